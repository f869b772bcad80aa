import type { Database } from "#mesh";
import type { Enqueue } from "./enqueue.ts";
import type { WholeJobRow } from "./jobs-store.ts";
import { findJob, lockJobs, saveChanges } from "./jobs-store.ts";
import { retry as retryOne } from "./lifecycle.ts";
import { jobGoesOn, jobIsDone, noJob } from "./refusals.ts";

/** Makes a job that is over wait again, with another payload if one is given. One that waits or runs stays as it is. */
export type Retry = (id: string, payload?: Uint8Array) => Promise<WholeJobRow>;

export interface RetrialOptions {
  db: Database;
  enqueue: Enqueue;
  now: () => number;
}

export function createRetry({ db, enqueue, now }: RetrialOptions): Retry {
  return async (id, payload) => {
    const nowMs = now();
    const { job, change } = await db.transaction(async (tx) => {
      const [row] = await lockJobs(tx, [id]);
      if (!row) throw noJob();
      if (row.state === "done") throw jobIsDone();
      const change = retryOne(row, nowMs);
      if (!change && payload) throw jobGoesOn();
      if (change) {
        await saveChanges(tx, [{ id: row.id, queue: row.queue, change }], new Date(nowMs));
        if (payload) await tx`update jobs set payload = ${Buffer.from(payload)} where id = ${id}`;
      }
      return { job: await findJob(tx, id), change };
    });
    if (!job) throw noJob();
    if (change) enqueue.announce([{ ...change, queue: job.queue }]);
    return job;
  };
}
