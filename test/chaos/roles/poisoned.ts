/** Cannot handle some of the changes, however often it tries. */
import { UserUpdatedSchema } from "#gen/user/v1/events_pb.js";
import { on } from "#mesh/events/consume/on.ts";
import { changeOf } from "../change.ts";
import { writeEffect } from "./effect.ts";
import { openRole } from "./open.ts";

const { consume } = await openRole();
consume(
  on(
    UserUpdatedSchema,
    async (message, event) => {
      const change = changeOf(message);
      await writeEffect(change, event);
      if (change.isPoisoned) throw new Error("this change is poisoned");
    },
    { name: "effects", attempts: 3, backoffMs: 50, maxBackoffMs: 500 },
  ),
);
