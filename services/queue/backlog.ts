import { backlogAlert } from "#mesh/events/backlog.ts";
import type { QueueState } from "./queues-store.ts";

export const isBacklogged = ({ depth }: Pick<QueueState, "depth">): boolean => depth > backlogAlert;

/** What a person is told of queues that have more than is right; nothing when none has. */
export function describeBacklog(queues: readonly QueueState[]): string | undefined {
  const told = queues.filter(isBacklogged).map(describe);
  return told.length > 0 ? `${told.join("; ")}; start more workers, or see why they fail` : undefined;
}

const describe = ({ name, depth, paused }: QueueState): string =>
  `${depth} jobs are due and wait in ${name}${paused ? ", which is paused" : ""}, and ${backlogAlert} are the most that is right`;
