import type { BackoffPolicy, Database, Logger } from "#mesh";
import { pauseMs, reasonOf } from "#mesh";
import { claimOne, postpone } from "./due-store.ts";
import type { OrderMetrics, StepOutcome } from "./order-metrics.ts";
import type { OrderRow } from "./orders-store.ts";
import { findOrder } from "./orders-store.ts";
import type { Recorded, Recorder } from "./record.ts";
import { noOrder } from "./refusals.ts";
import { afterFailure, whileUnderWay } from "./retry-pause.ts";
import type { Answer, Perform } from "./steps.ts";

/** Does what is due of an order, for the handler of a call as for the loop. */
export interface StepRunner {
  /** Does one step after the other, until none is due or one must wait. The caller has claimed the order. */
  run(claimed: OrderRow, signal: AbortSignal): Promise<OrderRow>;
  /** The same for an order that may be somebody else's to do, or have nothing due. */
  tryNow(id: string, signal: AbortSignal): Promise<OrderRow>;
}

export interface StepRunnerOptions {
  db: Database;
  perform: Perform;
  record: Recorder;
  metrics: OrderMetrics;
  leaseMs: number;
  log: Logger;
  now: () => number;
  random: () => number;
}

export function createStepRunner(options: StepRunnerOptions): StepRunner {
  const { db, perform, record, metrics, leaseMs, log, now, random } = options;

  const putOff = async (row: OrderRow, pause: BackoffPolicy, failed: boolean) => {
    const nowMs = now();
    const at = new Date(nowMs + pauseMs(row.tries, random, pause));
    await postpone(db.sql, row, { at, failingSince: failed ? new Date(nowMs) : null });
  };

  /** The order after its step, and whether this caller goes on with it. */
  const one = async (row: OrderRow, signal: AbortSignal): Promise<{ row: OrderRow; goesOn: boolean }> => {
    const [step] = row.due;
    if (!step) return { row, goesOn: false };
    let recorded: Recorded | undefined;
    try {
      const answer = await perform(row, step, signal);
      const more = { ...answer.more, round: row.round, goesOn: true };
      recorded = await db.transaction((tx) => record(tx, row.id, answer.happening, more));
      metrics.step(step, outcomeOf(answer));
    } catch (error) {
      const told = { err: error, order: row.id, step, try: row.tries, reason: reasonOf(error) };
      log.warn(told, "a step of an order failed; tried again later");
      metrics.step(step, "failed");
      await putOff(row, afterFailure, true);
      return { row, goesOn: false };
    }
    if (!recorded) throw noOrder();
    // What became due meanwhile by another's doing is that one's to do.
    if (recorded.changed) return { row: recorded.row, goesOn: recorded.row.due.length > 0 };
    if (recorded.row.round === row.round) await putOff(row, whileUnderWay, false);
    return { row: recorded.row, goesOn: false };
  };

  const run = async (claimed: OrderRow, signal: AbortSignal): Promise<OrderRow> => {
    let at = { row: claimed, goesOn: true };
    while (at.goesOn) at = await one(at.row, signal);
    return at.row;
  };

  return {
    run,
    async tryNow(id, signal) {
      const nowMs = now();
      const times = { now: new Date(nowMs), leasedUntil: new Date(nowMs + leaseMs) };
      const claimed = await claimOne(db.sql, { id, ...times });
      if (claimed) return run(claimed, signal);
      const row = await findOrder(db.sql, id);
      if (!row) throw noOrder();
      return row;
    },
  };
}

function outcomeOf({ happening }: Answer): StepOutcome {
  if (happening.kind === "refused" || happening.kind === "stock_gone") return "refused";
  return happening.kind === "payment_closed" && !happening.settled ? "waiting" : "done";
}
