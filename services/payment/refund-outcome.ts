import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { PaymentRefundedSchema } from "#gen/payment/v1/events_pb.js";
import type { Database, Events, Query } from "#mesh";
import { afterCommit } from "#mesh";
import type { GiveBack } from "./giving-back.ts";
import { book } from "./ledger-store.ts";
import { lockOrder } from "./orders-store.ts";
import type { PaymentMetrics } from "./payment-metrics.ts";
import type { PaymentRow } from "./payments-store.ts";
import { lockPayment, savePayment } from "./payments-store.ts";
import type { Standing } from "./providers/provider.ts";
import type { RefundRow } from "./refunds-store.ts";
import { findRefund, lockRefund, saveRefund } from "./refunds-store.ts";

/** Writes down what has become of a refund, with all that follows from it. Safe to do again. */
export type NoteRefund = (id: string, standing: Standing) => Promise<void>;

export interface RefundOutcomeOptions {
  db: Database;
  events: Events;
  giveBack: GiveBack;
  metrics: PaymentMetrics;
  now: () => number;
}

export function createNoteRefund({ db, events, giveBack, metrics, now }: RefundOutcomeOptions): NoteRefund {
  return (id, standing) =>
    db.transaction(async (tx) => {
      const found = await findRefund(tx, id);
      if (!found) return;
      const order = await lockOrder(tx, found.orderId);
      const payment = await lockPayment(tx, found.paymentId);
      const refund = await lockRefund(tx, id);
      if (!payment || refund?.state !== "pending") return;
      const at = new Date(now());
      const providerReference = standing.reference || refund.providerReference;
      if (standing.state === "pending") {
        if (providerReference === refund.providerReference) return;
        return saveRefund(tx, id, { providerReference, updatedAt: at });
      }
      const over = { providerReference, nextTryAt: null, updatedAt: at };
      const refunding = payment.refunding - refund.amount;
      if (standing.state === "failed") {
        await saveRefund(tx, id, { ...over, state: "failed", failureCode: standing.code });
        await savePayment(tx, payment.id, { refunding, updatedAt: at });
      } else {
        const refunded = payment.refunded + refund.amount;
        await saveRefund(tx, id, { ...over, state: "succeeded" });
        await savePayment(tx, payment.id, { refunding, refunded, updatedAt: at });
        const { orderId, sellerId, provider, currency } = payment;
        const movement = { paymentId: payment.id, refundId: id, orderId, sellerId, provider, currency };
        await book(tx, { kind: "refund", ...movement, amount: refund.amount }, at.getTime());
        // Of money that came without need nobody was told.
        if (!payment.surplus) await tellRefunded(tx, { ...payment, refunded }, refund, at);
      }
      if (order.closedAt || payment.surplus) await giveBack(tx, order.id);
      afterCommit(tx, () => metrics.refunded(payment.provider, standing.state));
    });

  async function tellRefunded(tx: Query, payment: PaymentRow, refund: RefundRow, at: Date) {
    const { id: paymentId, orderId, orderNumber, customerId, sellerId, currency } = payment;
    const money = (minorUnits: bigint) => ({ currency, minorUnits });
    await events.publish(
      PaymentRefundedSchema,
      {
        paymentId,
        refundId: refund.id,
        orderId,
        orderNumber,
        customerId,
        sellerId,
        amount: money(refund.amount),
        refunded: money(payment.refunded),
        inFull: payment.refunded === payment.amount,
        reason: refund.reason,
        refundedAt: timestampFromDate(at),
      },
      tx,
    );
  }
}
