import type { Query } from "#mesh";
import { noReservation, noStock, reservationExpired, reservationReleased } from "./refusals.ts";
import type { ReservationState } from "./reservations-store.ts";
import { claimReservation, linesOf, lockReservation, saveState } from "./reservations-store.ts";
import type { ReservingOptions } from "./reserve.ts";
import { tellOfStocks } from "./stock-events.ts";
import type { Way } from "./stock-moves.ts";
import { movesOf, replay } from "./stock-moves.ts";
import { moveStocks } from "./stocks-store.ts";

export interface Settle {
  /** The order is paid: what was held is sold. */
  sell(orderId: string): Promise<void>;
  /** The order is off: its pieces are free again. */
  release(orderId: string): Promise<void>;
}

/** What a sale does to the stock of an order, by how far that is; nothing where it was sold already. */
const waysToSell: Readonly<Record<ReservationState, Way | undefined>> = {
  held: "sell",
  expired: "sellLate",
  sold: undefined,
  released: undefined,
};

const waysToRelease: Readonly<Record<ReservationState, Way | undefined>> = {
  held: "release",
  sold: "takeBack",
  expired: undefined,
  released: undefined,
};

/** The end of a reservation, one way or the other. */
export function createSettle({ db, events, metrics, now }: ReservingOptions): Settle {
  /** Whether there was enough for it. */
  const move = async (tx: Query, orderId: string, way: Way, state: ReservationState): Promise<boolean> => {
    const at = new Date(now());
    const moves = movesOf(orderId, await linesOf(tx, [orderId]), way);
    const { done, before } = await moveStocks(tx, moves, at);
    if (!done) return false;
    await saveState(tx, [orderId], state, at);
    await tellOfStocks(events, replay(before, moves, at), tx);
    return true;
  };

  return {
    async sell(orderId) {
      const way = await db.transaction(async (tx) => {
        const reservation = await lockReservation(tx, orderId);
        if (!reservation) throw noReservation();
        if (reservation.state === "released") throw reservationReleased();
        const way = waysToSell[reservation.state];
        if (!way) return undefined;
        if (await move(tx, orderId, way, "sold")) return way;
        if (way !== "sellLate") throw noStock();
        return "too_late";
      });
      if (way === "too_late") {
        metrics.reservation("too_late");
        throw reservationExpired();
      }
      if (way) metrics.reservation(way === "sell" ? "sold" : "sold_late");
    },

    async release(orderId) {
      const way = await db.transaction(async (tx) => {
        const at = new Date(now());
        // Stays, so that a reservation that was on its way finds that it comes too late.
        if (await claimReservation(tx, { orderId, state: "released", expiresAt: null }, at)) return undefined;
        const reservation = await lockReservation(tx, orderId);
        if (!reservation) throw noReservation();
        const way = waysToRelease[reservation.state];
        if (way && !(await move(tx, orderId, way, "released"))) throw noStock();
        else if (reservation.state === "expired") await saveState(tx, [orderId], "released", at);
        return way;
      });
      if (way) metrics.reservation(way === "release" ? "released" : "returned");
    },
  };
}
