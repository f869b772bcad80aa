import type { Database, Logger, Loop } from "#mesh";
import { pauseMs, startLoop } from "#mesh";
import type { Due, Table } from "./due-store.ts";
import { claimDue, defer } from "./due-store.ts";
import type { GiveBack } from "./giving-back.ts";
import { claimOrders, deferOrder } from "./orders-store.ts";
import type { Pauses } from "./pauses.ts";
import { leaseMs, looks, owedLooks } from "./pauses.ts";

export interface DrivingOptions {
  db: Database;
  pauses: Pauses;
  paceMs: number;
  log: Logger;
  now: () => number;
  random: () => number;
  stopping: AbortSignal;
}

/** Most that one round takes. */
const atOnce = 20;

export interface ProviderLoopOptions extends DrivingOptions {
  provider: string;
  advance: Readonly<Record<Table, (id: string) => Promise<void>>>;
}

/** Brings on what is open at one provider. Each has a loop, so that one that is down holds up no other. */
export function driveProvider(options: ProviderLoopOptions): Loop {
  const { db, provider, advance, pauses, paceMs, log, now, random, stopping } = options;

  const one = async (table: Table, due: Due) => {
    try {
      await advance[table](due.id);
    } catch (err) {
      if (stopping.aborted) return;
      log.warn({ err, provider, [table]: due.id }, "the provider left open what happened; it is asked again");
    }
    const at = new Date(now() + pauseMs(due.tries, random, looks(pauses.retryMs)));
    await defer(db.sql, table, due, at);
  };

  const some = async (table: Table): Promise<boolean> => {
    const nowMs = now();
    const until = new Date(nowMs + leaseMs(pauses));
    const dues = await claimDue(db.sql, table, { provider, now: new Date(nowMs), until, limit: atOnce });
    await Promise.all(dues.map((due) => one(table, due)));
    return dues.length === atOnce;
  };

  return startLoop({
    everyMs: paceMs,
    stopping,
    work: async () => {
      let more = true;
      while (more && !stopping.aborted)
        more = (await Promise.all([some("payments"), some("refunds")])).includes(true);
    },
    failed: (err) =>
      log.error({ err, provider }, "open payments could not be gone on with; tried again soon"),
  });
}

/** Sees again and again to what is owed for orders, until it is back. */
export function driveOrders(options: DrivingOptions & { giveBack: GiveBack }): Loop {
  const { db, giveBack, pauses, paceMs, log, now, random, stopping } = options;
  return startLoop({
    everyMs: paceMs,
    stopping,
    work: async () => {
      for (const { id, tries } of await claimOrders(db.sql, { now: new Date(now()), limit: atOnce })) {
        await db.transaction((tx) => giveBack(tx, id, { again: true }));
        await deferOrder(db.sql, id, new Date(now() + pauseMs(tries, random, owedLooks(pauses.retryMs))));
      }
    },
    failed: (err) => log.error({ err }, "what is owed for orders could not be seen to; tried again soon"),
  });
}
