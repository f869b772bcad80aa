import type { Database, Logger, Loop } from "#mesh";
import { inBatches, startLoop, startTaking } from "#mesh";
import { claimDue, lockLate } from "./due-store.ts";
import type { Recorder } from "./record.ts";
import type { StepRunner } from "./step-runner.ts";

export interface LoopsOptions {
  db: Database;
  runner: StepRunner;
  record: Recorder;
  paceMs: number;
  leaseMs: number;
  log: Logger;
  now: () => number;
  stopping: AbortSignal;
}

/** Orders that one instance is at, at once. */
const atOnce = 16;
const lateBatch = 50;

/** Does what is due and nobody is at: what consumers left to be done, what failed, what was cut off by a crash. */
export function startSteps({ db, runner, paceMs, leaseMs, log, now, stopping }: LoopsOptions): Loop {
  return startTaking({
    atOnce,
    everyMs: paceMs,
    stopping,
    claim: (limit) => {
      const nowMs = now();
      return claimDue(db.sql, { now: new Date(nowMs), leasedUntil: new Date(nowMs + leaseMs), limit });
    },
    run: (row) => runner.run(row, stopping),
    failed: (err) => log.warn({ err }, "what is due of orders could not be done; tried again"),
  });
}

/** Calls off what was not paid in its time. */
export function startExpiry({ db, record, paceMs, log, now, stopping }: LoopsOptions): Loop {
  const someLate = (limit: number) =>
    db.transaction(async (tx) => {
      const nowMs = now();
      const late = await lockLate(tx, new Date(nowMs), limit);
      for (const { id } of late) await record(tx, id, { kind: "time_over", nowMs });
      return late.length;
    });
  return startLoop({
    everyMs: paceMs,
    stopping,
    work: () => inBatches(lateBatch, stopping, someLate),
    failed: (err) => log.warn({ err }, "orders whose time is over could not be called off; tried again"),
  });
}
