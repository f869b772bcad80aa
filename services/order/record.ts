import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { OrderCreatedSchema, OrderStatusUpdatedSchema } from "#gen/order/v1/events_pb.js";
import type { Events, Query } from "#mesh";
import { afterCommit } from "#mesh";
import { addHistory } from "./history-store.ts";
import { priceLines } from "./lines-store.ts";
import { advance, refundedOf } from "./order-machine.ts";
import type { OrderMetrics } from "./order-metrics.ts";
import type { Entry, Happening, OrderState, PaymentState } from "./order-state.ts";
import type { Failure, OrderRow } from "./orders-store.ts";
import { lockOrder, saveOrder } from "./orders-store.ts";
import { paymentsOf, savePayment } from "./payments-store.ts";
import { toStatus } from "./present.ts";
import type { HeldLine } from "./pricing.ts";

export interface RecordOptions {
  events: Events;
  metrics: OrderMetrics;
  /** How long who records it has for what is due next, before others take it. */
  leaseMs: number;
  /** Something is due, and nobody is at it. */
  due: () => void;
  now: () => number;
}

/** What is written beside what the machine decides. */
export interface Particulars {
  /** The round in which it was asked for; in another one the answer counts no more. */
  readonly round?: number;
  /** Whoever records it does at once what is due next. */
  readonly goesOn?: boolean;
  /** Of what is held. */
  readonly held?: { readonly sellerId: string; readonly lines: readonly HeldLine[] };
  readonly failure?: Failure;
  /** What somebody wrote about it. */
  readonly said?: string;
}

export interface Recorded {
  readonly row: OrderRow;
  /** Whether it made a difference. */
  readonly changed: boolean;
}

/** Writes what happened to an order, what follows, and the events that tell of it, or nothing of all that. */
export type Recorder = (
  tx: Query,
  id: string,
  happening: Happening,
  more?: Particulars,
) => Promise<Recorded | undefined>;

export function createRecord({ events, metrics, leaseMs, due, now }: RecordOptions): Recorder {
  return async (tx, id, happening, more = {}) => {
    const row = await lockOrder(tx, id);
    if (!row) return undefined;
    if (more.round !== undefined && more.round !== row.round) return { row, changed: false };
    const before = stateOf(row, await paymentsOf(tx, id));
    const outcome = advance(before, happening);
    if (!outcome) return { row, changed: false };

    const { state, history } = outcome;
    const at = new Date(now());
    const isDue = state.due.length > 0 && state.round !== before.round;
    for (const payment of state.payments) {
      if (!before.payments.includes(payment)) await savePayment(tx, id, payment);
    }
    if (more.held) await priceLines(tx, id, more.held.lines);
    const saved = await saveOrder(tx, id, {
      state,
      refunded: refundedOf(state),
      sellerId: more.held?.sellerId ?? row.sellerId,
      failure: more.failure ?? row.failure,
      firstTry: !isDue
        ? undefined
        : more.goesOn
          ? { at: new Date(at.getTime() + leaseMs), tries: 1 }
          : { at, tries: 0 },
      now: at,
    });
    await addHistory(tx, id, history, more.said ?? "", at);
    await tell(tx, row, saved, history, more.held?.lines.length ?? 0);
    afterCommit(tx, () => {
      count(row, history);
      if (isDue && !more.goesOn) due();
    });
    return { row: saved, changed: true };
  };

  async function tell(tx: Query, before: OrderRow, row: OrderRow, history: readonly Entry[], lines: number) {
    const { id: orderId, number: orderNumber, customerId, currency, total: minorUnits } = row;
    const sellerId = row.sellerId ?? "";
    const total = currency === null || minorUnits === null ? undefined : { currency, minorUnits };
    const updatedAt = timestampFromDate(row.updatedAt);
    const common = { orderId, orderNumber, customerId, sellerId, ...(total && { total }) };
    let { status } = before;
    for (const entry of history) {
      if (entry.status === status) continue;
      if (entry.status === "awaiting_payment") {
        const createdAt = timestampFromDate(row.createdAt);
        await events.publish(OrderCreatedSchema, { ...common, lines, createdAt }, tx);
      }
      // The first try is that of the request; a later one is nobody's who waits for it.
      const answered = status === "pending" && entry.status === "failed" && before.tries === 1;
      const change = { statusBefore: toStatus(status), status: toStatus(entry.status), reason: entry.reason };
      await events.publish(OrderStatusUpdatedSchema, { ...common, ...change, answered, updatedAt }, tx);
      status = entry.status;
    }
  }

  function count({ status: first, createdAt }: OrderRow, history: readonly Entry[]) {
    let status = first;
    for (const entry of history) {
      if (entry.status === status) continue;
      metrics.changed(status, entry.status);
      if (entry.status === "paid") metrics.paid(now() - createdAt.getTime());
      status = entry.status;
    }
  }
}

export function stateOf(row: OrderRow, payments: readonly PaymentState[]): OrderState {
  const { status, due, round, tries, reason, payBy, currency, total, paymentId } = row;
  return {
    status,
    due,
    round,
    tries,
    reason,
    payByMs: payBy.getTime(),
    total: currency === null || total === null ? null : { currency, minorUnits: total },
    paymentId,
    payments,
  };
}
