/** Writes down the changes of each aggregate in the order in which they happened. */
import { UserUpdatedSchema } from "#gen/user/v1/events_pb.js";
import { on } from "#mesh/events/consume/on.ts";
import { changeOf } from "../change.ts";
import { writeEffect } from "./effect.ts";
import { openRole } from "./open.ts";

const { consume } = await openRole();
consume(
  on(UserUpdatedSchema, (message, event) => writeEffect(changeOf(message), event), {
    name: "effects",
    ordered: true,
    backoffMs: 50,
    maxBackoffMs: 500,
  }),
);
