import type { Database } from "#mesh";
import { noStock } from "./refusals.ts";
import { linesOf, lockExpired, oldestDue, saveState } from "./reservations-store.ts";
import type { ReservingOptions } from "./reserve.ts";
import { tellOfStocks } from "./stock-events.ts";
import { movesOf, replay } from "./stock-moves.ts";
import { moveStocks } from "./stocks-store.ts";

/** Bounds how many stocks one transaction holds: an order has up to 100 lines. */
const batch = 25;

export interface ExpiryOptions extends ReservingOptions {
  stopping: AbortSignal;
}

/** Frees what was held too long. Replicas that do so at once do not hurt each other. */
export async function expire(options: ExpiryOptions): Promise<void> {
  while ((await expireSome(options)) === batch && !options.stopping.aborted);
}

async function expireSome({ db, events, metrics, now }: ExpiryOptions): Promise<number> {
  const expired = await db.transaction(async (tx) => {
    const at = new Date(now());
    const orderIds = await lockExpired(tx, at, batch);
    if (orderIds.length === 0) return 0;
    const lines = Map.groupBy(await linesOf(tx, orderIds), ({ orderId }) => orderId);
    const moves = orderIds.flatMap((orderId) => movesOf(orderId, lines.get(orderId) ?? [], "expire"));
    const { done, before } = await moveStocks(tx, moves, at);
    if (!done) throw noStock();
    await saveState(tx, orderIds, "expired", at);
    await tellOfStocks(events, replay(before, moves, at), tx);
    return orderIds.length;
  });
  metrics.reservation("expired", expired);
  return expired;
}

/** Far longer than a round takes. */
const patienceMs = 60_000;

/** What is wrong when nobody frees what is held too long; nothing when all is well. */
export async function describeOverdue(db: Database, nowMs: number): Promise<string | undefined> {
  const due = await oldestDue(db.sql);
  const lateMs = due ? nowMs - due.getTime() : 0;
  if (lateMs <= patienceMs) return undefined;
  return `a reservation should have been freed ${Math.round(lateMs / 1000)} s ago`;
}
