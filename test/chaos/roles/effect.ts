import { setTimeout as sleep } from "node:timers/promises";
import type { Event } from "#mesh/events/consume/on.ts";
import type { Change } from "../change.ts";

const mostPauseMs = 4;

/** Time for something to go wrong in the middle of a transaction. */
export const pause = () => sleep(Math.random() * mostPauseMs);

/** Nothing in this table hides that something was done twice. */
export async function writeEffect({ op, aggregate, version }: Change, { id, tx }: Event): Promise<void> {
  await pause();
  await tx`
    insert into effects (event_id, op, aggregate, version) values (${id}, ${op}, ${aggregate}, ${version})`;
  await pause();
}
