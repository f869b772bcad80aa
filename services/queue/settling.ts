import type { Database } from "#mesh";
import { retrying } from "#mesh";
import type { Claimant } from "./claim-store.ts";
import type { Enqueue } from "./enqueue.ts";
import type { Changed, JobRow } from "./jobs-store.ts";
import { lockJobs, saveChanges } from "./jobs-store.ts";
import type { Lease } from "./leases-store.ts";
import { finishJobs } from "./leases-store.ts";
import type { Change, Outcome } from "./lifecycle.ts";
import { settle as settleOne } from "./lifecycle.ts";
import type { Nudge } from "./nudges.ts";
import type { Ending, QueueMetrics } from "./queue-metrics.ts";
import { boundedAmong } from "./queues-store.ts";

export interface Told extends Lease {
  readonly outcome: Outcome;
}

/** Writes what became of jobs; gives those that were no longer the worker's to settle. */
export type Settle = (claimant: Claimant, told: readonly Told[]) => Promise<Lease[]>;

export interface SettlingOptions {
  db: Database;
  enqueue: Enqueue;
  nudge: Nudge;
  metrics: QueueMetrics;
  now: () => number;
  random: () => number;
}

export function createSettle({ db, enqueue, nudge, metrics, now, random }: SettlingOptions): Settle {
  /** All but the plain `done`: decided by the lifecycle, on rows that are locked. */
  const settleSlowly = async (claimant: Claimant, told: readonly Told[], nowMs: number) => {
    const { lost, changed } = await db.transaction(async (tx) => {
      const ids = told.map(({ id }) => id);
      const rows = new Map((await lockJobs(tx, ids)).map((it) => [it.id, it]));
      const lost: Lease[] = [];
      const changed = new Map<string, Changed & { row: JobRow }>();
      for (const { id, lease, outcome } of told) {
        const row = rows.get(id);
        // The same one may be told of twice in one call.
        const seen = row && { ...row, ...changed.get(id)?.change };
        const change = seen ? settleOne(seen, { lease, ...claimant }, outcome, { nowMs, random }) : "lost";
        if (change === "lost") lost.push({ id, lease });
        else if (change !== "again" && row) changed.set(id, { id, queue: row.queue, change, row });
      }
      if (changed.size > 0) await saveChanges(tx, [...changed.values()], new Date(nowMs));
      return { lost, changed: [...changed.values()] };
    });
    for (const { row, change } of changed) metrics.ended(row, endingOf(change), nowMs);
    enqueue.announce(changed.map(({ queue, change }) => ({ ...change, queue })));
    return { lost, queues: changed.map(({ queue }) => queue) };
  };

  return async (claimant, told) => {
    const nowMs = now();
    const done = told.filter(({ outcome }) => outcome.kind === "done");
    const finished =
      done.length > 0 ? await retrying(() => finishJobs(db.sql, claimant, done, new Date(nowMs))) : [];
    for (const it of finished) metrics.ended(it, "done", nowMs);
    const fast = new Set(finished.map(keyOf));
    const rest = told.filter((it) => !fast.has(keyOf(it)));
    const slow = rest.length > 0 ? await settleSlowly(claimant, rest, nowMs) : { lost: [], queues: [] };
    const queues = new Set([...finished.map(({ queue }) => queue), ...slow.queues]);
    // A place that became free is taken by whoever hears of it.
    if (queues.size > 0) nudge(await boundedAmong(db.sql, [...queues]));
    return slow.lost;
  };
}

const keyOf = ({ id, lease }: Lease) => `${id} ${lease}`;

function endingOf({ state, failure }: Change): Ending {
  if (state === "done" || state === "dead") return state;
  return failure ? "failed" : "given_back";
}
