import { durationFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { ReservedLine } from "#gen/product/v1/reservations_pb.js";
import type { Query } from "#mesh";
import { fail, isRefusal, reasonOf } from "#mesh";
import { failureOf } from "./failures.ts";
import { linesOf } from "./lines-store.ts";
import type { Happening, Step } from "./order-state.ts";
import type { OrderRow } from "./orders-store.ts";
import type { Peers } from "./peers.ts";
import type { HeldLine } from "./pricing.ts";
import { priceOrder } from "./pricing.ts";
import type { Particulars } from "./record.ts";
import { unsellable } from "./refusals.ts";

/** What came of a step. */
export interface Answer {
  readonly happening: Happening;
  readonly more?: Pick<Particulars, "held" | "failure">;
}

/** Asks another service for what is due of an order. All may be asked again: they know it by the order's id. */
export type Perform = (row: OrderRow, step: Step, signal: AbortSignal) => Promise<Answer>;

export interface StepsOptions {
  sql: Query;
  peers: Peers;
  payWithinMs: number;
  now: () => number;
}

/** Longest time of one step. */
export const stepTimeoutMs = 10_000;

/** Customers wait for their stock: an order whose stock nobody answers for soon is gone on with behind their back. */
const stockTimeoutMs = 5000;

/** Stock is held this much longer than there is time to pay: a payment of the last second still finds it. */
const spareMs = 5 * 60_000;

export function createPerform({ sql, peers, payWithinMs, now }: StepsOptions): Perform {
  async function reserve(row: OrderRow, signal: AbortSignal): Promise<Answer> {
    const { id: orderId } = row;
    const lines = (await linesOf(sql, [orderId])).map(({ productId, variantId, quantity }) => ({
      productId: productId ?? "",
      variantId: variantId ?? "",
      quantity,
    }));
    const ttl = durationFromMs(payWithinMs + spareMs);
    try {
      const held = await peers.reservations.reserve({ orderId, lines, ttl }, forStock(signal));
      // Asked a second time it answers what it did at first, and that time runs.
      const endMs = held.expiresAt ? timestampMs(held.expiresAt) - spareMs : Number.POSITIVE_INFINITY;
      return priced(row, held.sellerId, held.lines.map(heldLine), Math.min(now() + payWithinMs, endMs));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const failure = failureOf(error);
      return { happening: { kind: "refused", reason: failure.reason }, more: { failure } };
    }
  }

  async function commit({ id: orderId }: OrderRow, signal: AbortSignal): Promise<Answer> {
    try {
      await peers.reservations.commit({ orderId }, forStock(signal));
      return { happening: { kind: "stock_committed" } };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return { happening: { kind: "stock_gone", reason: reasonOf(error) } };
    }
  }

  return async (row, step, signal) => {
    const { id: orderId, reason } = row;
    switch (step) {
      case "reserve":
        return reserve(row, signal);
      case "commit_stock":
        return commit(row, signal);
      case "release_stock":
        await peers.reservations.release({ orderId }, forStock(signal));
        return { happening: { kind: "stock_released" } };
      case "close_payment": {
        const means = { timeoutMs: stepTimeoutMs, signal };
        const { settled } = await peers.payments.closeOrder({ orderId, reason }, means);
        return { happening: { kind: "payment_closed", settled } };
      }
    }
  };
}

const forStock = (signal: AbortSignal) => ({ timeoutMs: stockTimeoutMs, signal });

function heldLine({ unitPrice, ...line }: ReservedLine): HeldLine {
  if (!unitPrice) throw fail.internal("unpriced_line", "the product service held a line and named no price");
  return { ...line, unitPrice };
}

function priced(row: OrderRow, sellerId: string, lines: readonly HeldLine[], payByMs: number): Answer {
  const { expectedCurrency: currency, expectedTotal: minorUnits } = row;
  const expected = currency === null || minorUnits === null ? undefined : { currency, minorUnits };
  const pricing = priceOrder(lines, expected);
  if (!("refused" in pricing)) {
    return {
      happening: { kind: "reserved", total: pricing.total, payByMs },
      more: { held: { sellerId, lines } },
    };
  }
  const failure = failureOf(unsellable[pricing.refused](pricing.total));
  return { happening: { kind: "unsellable", reason: failure.reason }, more: { failure } };
}
