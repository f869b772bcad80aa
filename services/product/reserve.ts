import type { Database, Events } from "#mesh";
import { findOffers } from "./offers-store.ts";
import type { WantedLine } from "./order-lines.ts";
import { areSame, linesFor, requireEnough } from "./order-lines.ts";
import type { ProductMetrics } from "./product-metrics.ts";
import { noStock, reservationDiffers, reservationExpired, reservationReleased } from "./refusals.ts";
import type { LineRow, ReservationRow } from "./reservations-store.ts";
import { claimReservation, insertLines, linesOf, lockReservation } from "./reservations-store.ts";
import { tellOfStocks } from "./stock-events.ts";
import { movesOf, replay } from "./stock-moves.ts";
import { moveStocks } from "./stocks-store.ts";

export interface ReservingOptions {
  db: Database;
  events: Events;
  metrics: ProductMetrics;
  now: () => number;
}

export interface Reserved {
  readonly lines: readonly LineRow[];
  readonly expiresAt: Date | null;
}

export type Reserve = (orderId: string, wanted: readonly WantedLine[], ttlMs: number) => Promise<Reserved>;

/** Holds all that an order wants, or nothing. */
export function createReserve({ db, events, metrics, now }: ReservingOptions): Reserve {
  return async (orderId, wanted, ttlMs) => {
    const at = new Date(now());
    const expiresAt = new Date(at.getTime() + ttlMs);
    const { isNew, ...reserved } = await db.transaction(async (tx) => {
      // First of all, so that of two that say the same the second sees what the first has done.
      if (!(await claimReservation(tx, { orderId, state: "held", expiresAt }, at))) {
        const lines = await linesOf(tx, [orderId]);
        return { isNew: false, ...sameAgain(wanted, lines, await lockReservation(tx, orderId)) };
      }
      const productIds = wanted.flatMap((it) => (it.variantId ? [] : [it.productId]));
      const variantIds = wanted.flatMap((it) => it.variantId || []);
      // Most orders that there is not enough for end here, and make nobody wait.
      const lines = linesFor(orderId, wanted, await findOffers(tx, productIds, variantIds));
      const moves = movesOf(orderId, lines, "reserve");
      const [, { done, before }] = await Promise.all([insertLines(tx, lines), moveStocks(tx, moves, at)]);
      if (!done) {
        requireEnough(lines, new Map(before.map(({ variantId, available }) => [variantId, available])));
        throw noStock();
      }
      await tellOfStocks(events, replay(before, moves, at), tx);
      return { isNew: true, lines, expiresAt };
    });
    if (isNew) metrics.reservation("reserved");
    return reserved;
  };
}

function sameAgain(
  wanted: readonly WantedLine[],
  lines: readonly LineRow[],
  reservation: ReservationRow | undefined,
): Reserved {
  if (reservation?.state === "released") throw reservationReleased();
  if (!areSame(wanted, lines)) throw reservationDiffers();
  if (reservation?.state === "expired") throw reservationExpired();
  return { lines, expiresAt: reservation?.expiresAt ?? null };
}
