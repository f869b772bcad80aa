import type { Query } from "#mesh";
import { afterCommit, newId } from "#mesh";
import type { OrderRow } from "./orders-store.ts";
import { lockOrder, oweOrder, settleOrder } from "./orders-store.ts";
import { owedPauseMs } from "./pauses.ts";
import type { PaymentRow } from "./payments-store.ts";
import { hurryPayment, lockPaymentsOf, savePayment } from "./payments-store.ts";
import { countFailedRefunds, insertRefund } from "./refunds-store.ts";

/**
 * Sees to what is owed for an order: once it is closed, all that was paid for
 * it; else what was charged without need. Called whenever something about the
 * order has changed, in the same transaction, and again by the loop.
 */
export type GiveBack = (tx: Query, orderId: string, options?: { again?: boolean }) => Promise<void>;

export interface GiveBackOptions {
  now: () => number;
  /** Until the loop looks at it, should nothing else have happened. */
  pauseMs: number;
  /** Something is due. */
  wake: () => void;
}

export const surplusReason = "it was charged after it had been given up";

export function createGiveBack({ now, pauseMs, wake }: GiveBackOptions): GiveBack {
  return async (tx, orderId, { again = false } = {}) => {
    const order = await lockOrder(tx, orderId);
    const nowMs = now();
    let owed = false;
    let failures = 0;
    for (const payment of await lockPaymentsOf(tx, orderId)) {
      if (!order.closedAt && !payment.surplus) continue;
      if (payment.state === "pending") await hurryPayment(tx, { id: payment.id }, new Date(nowMs));
      else if (payment.refunded === payment.amount) continue;
      else {
        const failed = await countFailedRefunds(tx, payment.id);
        // One that failed would fail again at once: the loop tries another by and by.
        if (again || failed === 0) await refundRest(tx, order, payment, nowMs);
        failures = Math.max(failures, failed);
      }
      owed = true;
    }
    if (!owed) return settleOrder(tx, orderId, new Date(nowMs));
    await oweOrder(tx, orderId, new Date(nowMs), new Date(nowMs + owedPauseMs(pauseMs, failures)));
    afterCommit(tx, wake);
  };

  async function refundRest(tx: Query, order: OrderRow, payment: PaymentRow, nowMs: number) {
    const rest = payment.amount - payment.refunded - payment.refunding;
    if (rest <= 0n) return;
    const at = new Date(nowMs);
    await insertRefund(tx, {
      id: newId(nowMs),
      paymentId: payment.id,
      orderId: order.id,
      provider: payment.provider,
      currency: payment.currency,
      amount: rest,
      reason: order.closedAt ? order.closeReason : surplusReason,
      requestedBy: null,
      idempotencyKey: null,
      requestHash: null,
      nextTryAt: at,
      tries: 0,
      createdAt: at,
      updatedAt: at,
    });
    await savePayment(tx, payment.id, { refunding: payment.refunding + rest, updatedAt: at });
  }
}
