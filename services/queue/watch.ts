import type { Database } from "#mesh";
import type { QueueState } from "./queues-store.ts";
import { readQueues } from "./queues-store.ts";

/** Looks at the queues for whoever watches over them; those who ask within a moment share a look. */
export interface QueueWatch {
  look(): Promise<readonly QueueState[]>;
}

const freshMs = 1000;

export function createQueueWatch(db: Database, now: () => number): QueueWatch {
  let latest: { readonly atMs: number; readonly states: Promise<readonly QueueState[]> } | undefined;
  return {
    look() {
      const nowMs = now();
      if (latest && Math.abs(nowMs - latest.atMs) < freshMs) return latest.states;
      const states = readQueues(db.sql, new Date(nowMs));
      latest = { atMs: nowMs, states };
      states.catch(() => {
        latest = undefined;
      });
      return states;
    },
  };
}
