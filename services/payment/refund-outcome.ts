import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { PaymentRefundedSchema } from "#gen/payment/v1/events_pb.js";
import type { Database, Events, Logger, Query } from "#mesh";
import { afterCommit } from "#mesh";
import type { GiveBack } from "./giving-back.ts";
import { book } from "./ledger-store.ts";
import { lockOrder } from "./orders-store.ts";
import type { PaymentMetrics } from "./payment-metrics.ts";
import type { PaymentRow } from "./payments-store.ts";
import { lockPayment, savePayment } from "./payments-store.ts";
import type { None, Standing } from "./providers/provider.ts";
import type { RefundStep } from "./refund-step.ts";
import { nextLook, refundStep } from "./refund-step.ts";
import type { RefundRow } from "./refunds-store.ts";
import { findRefund, lockRefund, saveRefund } from "./refunds-store.ts";

/** Writes down what has become of a refund, with all that follows from it. Safe to do again. */
export type NoteRefund = (id: string, standing: Standing | None) => Promise<void>;

export interface RefundOutcomeOptions {
  db: Database;
  events: Events;
  giveBack: GiveBack;
  metrics: PaymentMetrics;
  log: Logger;
  now: () => number;
}

export function createNoteRefund(options: RefundOutcomeOptions): NoteRefund {
  const { db, events, giveBack, metrics, log, now } = options;
  return (id, standing) =>
    db.transaction(async (tx) => {
      const found = await findRefund(tx, id);
      if (!found) return;
      const order = await lockOrder(tx, found.orderId);
      const payment = await lockPayment(tx, found.paymentId);
      const refund = await lockRefund(tx, id);
      if (!payment || !refund) return;
      const at = new Date(now());
      const step = refundStep(refund.state, standing.state);
      if (step === "nothing") return lookAgain(tx, refund, at);
      const providerReference = referenceOf(standing) || refund.providerReference;
      if (step === "noted") {
        if (providerReference === refund.providerReference) return;
        return saveRefund(tx, id, { providerReference, updatedAt: at });
      }
      const { orderId, sellerId, provider, currency } = payment;
      const { amount } = refund;
      const movement = { paymentId: payment.id, refundId: id, orderId, sellerId, provider, currency, amount };
      const sums = sumsAfter(step, payment, amount);
      await savePayment(tx, payment.id, { ...sums, updatedAt: at });
      const over = { providerReference, updatedAt: at };
      if (step === "succeeded") {
        await saveRefund(tx, id, { ...over, state: "succeeded", nextTryAt: laterLook(refund, at) });
        await book(tx, { kind: "refund", ...movement }, at.getTime());
        // Of money that came without need nobody was told.
        if (!payment.surplus) await tellRefunded(tx, { ...payment, ...sums }, refund, at);
      } else {
        const failureCode = standing.state === "failed" ? standing.code : "";
        await saveRefund(tx, id, { ...over, state: "failed", failureCode, nextTryAt: null });
        if (step === "came_back") await book(tx, { kind: "refund_back", ...movement }, at.getTime());
      }
      if (order.closedAt || payment.surplus) await giveBack(tx, order.id);
      afterCommit(tx, () => {
        metrics.refunded(provider, step);
        if (step === "came_back") log.error({ refund: id, payment: payment.id, order: orderId }, cameBack);
      });
    });

  async function lookAgain(tx: Query, refund: RefundRow, at: Date) {
    const nextTryAt = refund.state === "succeeded" ? laterLook(refund, at) : null;
    await saveRefund(tx, refund.id, { nextTryAt, updatedAt: refund.updatedAt });
  }

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

function sumsAfter(step: RefundStep, { refunding, refunded }: PaymentRow, amount: bigint) {
  if (step === "came_back") return { refunding, refunded: refunded - amount };
  return { refunding: refunding - amount, refunded: step === "succeeded" ? refunded + amount : refunded };
}

/** At once where somebody called for it meanwhile: what was seen may be older than what there is to see. */
const laterLook = ({ nextTryAt, createdAt }: RefundRow, at: Date): Date | null =>
  nextTryAt && nextTryAt <= at ? nextTryAt : nextLook(createdAt, at.getTime());

const referenceOf = (standing: Standing | None): string =>
  standing.state === "none" ? "" : standing.reference;

const cameBack =
  "a refund that had succeeded has failed: its money is with the provider again, and owed to the customer";
