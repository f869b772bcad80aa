import type { QueueService } from "#gen/queue/v1/queue_pb.js";
import type { Database, Handlers } from "#mesh";
import type { MessageTypes } from "./message-types.ts";
import type { Nudge } from "./nudges.ts";
import { toQueue } from "./present.ts";
import type { QueueState } from "./queues-store.ts";
import { hasQueue, readQueues, saveQueue } from "./queues-store.ts";
import { noQueue } from "./refusals.ts";

export interface QueuesOptions {
  db: Database;
  types: MessageTypes;
  nudge: Nudge;
  now: () => number;
}

export function queues({
  db,
  types,
  nudge,
  now,
}: QueuesOptions): Pick<Handlers<typeof QueueService>, "listQueues" | "updateQueue"> {
  /** Also those that nothing came into so far. */
  const all = async (): Promise<QueueState[]> => {
    const known = await readQueues(db.sql, new Date(now()));
    const names = new Set(known.map(({ name }) => name));
    const fresh = new Set(types.jobs().map(({ queue }) => queue));
    const empty = [...fresh].filter((name) => !names.has(name)).map(emptyQueue);
    return [...known, ...empty].sort((a, b) => (a.name < b.name ? -1 : 1));
  };

  return {
    async listQueues() {
      return { queues: (await all()).map(toQueue) };
    },

    async updateQueue({ name, paused, concurrency }) {
      const isNamed = types.jobs().some(({ queue }) => queue === name);
      if (!isNamed && !(await hasQueue(db.sql, name))) throw noQueue(name);
      await saveQueue(db.sql, { name, paused, concurrency });
      // What was held back may go on.
      nudge([name]);
      const queue = (await readQueues(db.sql, new Date(now()))).find((it) => it.name === name);
      return queue ? { queue: toQueue(queue) } : {};
    },
  };
}

const emptyQueue = (name: string): QueueState => ({
  name,
  paused: false,
  concurrency: 0,
  depth: 0,
  scheduled: 0,
  inFlight: 0,
  dead: 0,
  done: 0,
  failed: 0,
  oldestMs: 0,
});
