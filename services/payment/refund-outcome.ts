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

/** What was told of a refund. */
interface News {
  readonly standing: Standing | None;
  readonly providerReference: string;
  readonly at: Date;
}

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

  type Change = (tx: Query, payment: PaymentRow, refund: RefundRow, news: News) => Promise<void>;
  const change: Readonly<Record<Exclude<RefundStep, "nothing" | "noted">, Change>> = {
    async succeeded(tx, payment, refund, { providerReference, at }) {
      const refunded = payment.refunded + refund.amount;
      const refunding = payment.refunding - refund.amount;
      await saveRefund(tx, refund.id, {
        providerReference,
        updatedAt: at,
        state: "succeeded",
        nextTryAt: wasCalledFor(refund) ? refund.nextTryAt : nextLook(at, at.getTime()),
      });
      await book(tx, { kind: "refund", ...movementOf(payment, refund) }, at.getTime());
      // Of money that came without need nobody was told, and of what came back and goes again all were.
      const toldRefunded =
        payment.surplus || refunded < payment.toldRefunded ? payment.toldRefunded : refunded;
      await savePayment(tx, payment.id, { refunding, refunded, toldRefunded, updatedAt: at });
      const news = toldRefunded - payment.toldRefunded;
      if (news > 0n) await tellRefunded(tx, { ...payment, refunded }, { ...refund, amount: news }, at);
    },
    async failed(tx, payment, refund, { standing, providerReference, at }) {
      const refunding = payment.refunding - refund.amount;
      await savePayment(tx, payment.id, { refunding, updatedAt: at });
      await saveRefund(tx, refund.id, { providerReference, ...failedBy(standing), updatedAt: at });
    },
    async came_back(tx, payment, refund, { standing, providerReference, at }) {
      const refunded = payment.refunded - refund.amount;
      await savePayment(tx, payment.id, { refunded, updatedAt: at });
      await saveRefund(tx, refund.id, { providerReference, ...failedBy(standing), updatedAt: at });
      await book(tx, { kind: "refund_back", ...movementOf(payment, refund) }, at.getTime());
    },
  };

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
      const { orderId, provider } = payment;
      await change[step](tx, payment, refund, { standing, providerReference, at });
      if (order.closedAt || payment.surplus) await giveBack(tx, order.id);
      afterCommit(tx, () => {
        metrics.refunded(provider, step);
        if (step === "came_back") log.error({ refund: id, payment: payment.id, order: orderId }, cameBack);
      });
    });

  /** What was seen may be older than what there is to see, where somebody called for it meanwhile. */
  async function lookAgain(tx: Query, refund: RefundRow, at: Date) {
    if (refund.state === "succeeded" && wasCalledFor(refund)) return;
    const nextTryAt = refund.state === "succeeded" ? nextLook(refund.updatedAt, at.getTime()) : null;
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

/** Since it was last taken to be looked at. */
const wasCalledFor = ({ nextTryAt, tries }: RefundRow): boolean => nextTryAt !== null && tries === 0;

const movementOf = (
  { id: paymentId, orderId, sellerId, provider, currency }: PaymentRow,
  { id: refundId, amount }: RefundRow,
) => ({ paymentId, refundId, orderId, sellerId, provider, currency, amount });

const failedBy = (standing: Standing | None) => ({
  state: "failed" as const,
  failureCode: standing.state === "failed" ? standing.code : "",
  nextTryAt: null,
});

const referenceOf = (standing: Standing | None): string =>
  standing.state === "none" ? "" : standing.reference;

const cameBack =
  "a refund that had succeeded has failed: its money is with the provider again, and owed to the customer";
