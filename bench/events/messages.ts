import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import type { UserCreatedSchema } from "../../gen/user/v1/events_pb.js";
import { newId } from "../../mesh/id.ts";

/** About fifty bytes, as events mostly have. */
export const someone = (): MessageInitShape<typeof UserCreatedSchema> => ({
  userId: newId(),
  createdAt: timestampNow(),
});
