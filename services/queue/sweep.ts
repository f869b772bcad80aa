import type { Database, Logger } from "#mesh";
import type { Enqueue } from "./enqueue.ts";
import { saveChanges } from "./jobs-store.ts";
import { lockExpired } from "./leases-store.ts";
import type { Loss } from "./lifecycle.ts";
import { takeBack } from "./lifecycle.ts";
import type { QueueMetrics } from "./queue-metrics.ts";

/** A worker ends what takes too long itself, and tells of it better than we can: it is given the time to. */
const graceMs = 2000;
const batch = 500;

export interface SweepOptions {
  db: Database;
  enqueue: Enqueue;
  metrics: QueueMetrics;
  log: Logger;
  now: () => number;
  random: () => number;
}

/** Takes back jobs whose worker fell silent or takes too long. Replicas that do so at once do not hurt each other. */
export async function sweep(options: SweepOptions): Promise<void> {
  while ((await sweepSome(options)) === batch);
}

async function sweepSome({ db, enqueue, metrics, log, now, random }: SweepOptions): Promise<number> {
  const nowMs = now();
  const taken = await db.transaction(async (tx) => {
    const times = { now: new Date(nowMs), startedTooLongAgo: new Date(nowMs - graceMs), limit: batch };
    const taken = (await lockExpired(tx, times)).map((row) => {
      const loss: Loss = row.outOfTime ? "timed_out" : "worker_lost";
      return { id: row.id, queue: row.queue, row, loss, change: takeBack(row, loss, { nowMs, random }) };
    });
    if (taken.length > 0) await saveChanges(tx, taken, new Date(nowMs));
    return taken;
  });
  for (const { id, row, loss, change } of taken) {
    metrics.ended(row, change.state === "dead" ? "dead" : loss, nowMs);
    log.warn(
      { job: id, type: row.type, worker: row.worker, try: row.attempts, state: change.state },
      loss === "timed_out" ? "a job took too long" : "a worker fell silent over a job",
    );
  }
  enqueue.announce(taken.map(({ queue, change }) => ({ ...change, queue })));
  return taken.length;
}
