import type { Database } from "#mesh";
import { retrying } from "#mesh";
import type { Inserted, Kind, NewJob } from "./jobs-store.ts";
import { countKinds, insertJobs, saveKinds } from "./jobs-store.ts";
import type { Nudge } from "./nudges.ts";
import { tooManyKinds } from "./refusals.ts";

/** The one way of jobs into the table: from services, from REST, from schedules. */
export interface Enqueue {
  /** Puts them in and tells workers; gives those that were not there yet. */
  (jobs: readonly NewJob[]): Promise<Inserted[]>;
  /** Sees that jobs of these kinds can be put in, by whatever transaction. */
  prepare(kinds: readonly Kind[]): Promise<void>;
  /** Tells workers, or sees that they will be told in time. */
  announce(inserted: readonly Pick<Inserted, "queue" | "state" | "runAt">[]): void;
}

export interface EnqueueOptions {
  db: Database;
  nudge: Nudge;
  /** Something waits for this time. */
  scheduled: (atMs: number) => void;
  now: () => number;
}

/** Far more than any platform has: each has its metrics, and a line in each look at the queues. */
const mostKinds = 5000;

export function createEnqueue({ db, nudge, scheduled, now }: EnqueueOptions): Enqueue {
  const known = new Set<string>();
  const keyOf = ({ type, queue }: Kind) => `${type} ${queue}`;

  const prepare = async (kinds: readonly Kind[]) => {
    const unknown = new Map(kinds.filter((it) => !known.has(keyOf(it))).map((it) => [keyOf(it), it]));
    if (unknown.size === 0) return;
    await db.transaction(async (tx) => {
      if ((await countKinds(tx)) + unknown.size > mostKinds) throw tooManyKinds(mostKinds);
      await saveKinds(tx, [...unknown.values()]);
    });
    for (const key of unknown.keys()) known.add(key);
  };
  const announce: Enqueue["announce"] = (inserted) => {
    const ready = inserted.filter(({ state }) => state === "ready");
    const later = inserted.filter(({ state }) => state === "scheduled");
    nudge(new Set(ready.map(({ queue }) => queue)));
    if (later.length > 0) scheduled(Math.min(...later.map(({ runAt }) => runAt.getTime())));
  };
  const enqueue = async (jobs: readonly NewJob[]) => {
    await prepare(jobs);
    const inserted = await retrying(() => insertJobs(db.sql, jobs, new Date(now())));
    announce(inserted);
    return inserted;
  };
  return Object.assign(enqueue, { prepare, announce });
}
