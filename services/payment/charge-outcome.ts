import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { PaymentFailedSchema, PaymentProcessedSchema } from "#gen/payment/v1/events_pb.js";
import type { Database, Events, Query } from "#mesh";
import { afterCommit } from "#mesh";
import { chargeStep } from "./charge-step.ts";
import type { GiveBack } from "./giving-back.ts";
import { book } from "./ledger-store.ts";
import { lockOrder } from "./orders-store.ts";
import type { PaymentMetrics } from "./payment-metrics.ts";
import type { PaymentRow } from "./payments-store.ts";
import { findPayment, lockPayment, savePayment } from "./payments-store.ts";
import type { Standing } from "./providers/provider.ts";

/** Writes down what has become of a charge, with all that follows from it. Safe to do again. */
export type NoteCharge = (id: string, standing: Standing, lookAgainAt?: Date) => Promise<void>;

export interface ChargeOutcomeOptions {
  db: Database;
  events: Events;
  giveBack: GiveBack;
  metrics: PaymentMetrics;
  now: () => number;
}

export function createNoteCharge({ db, events, giveBack, metrics, now }: ChargeOutcomeOptions): NoteCharge {
  return (id, standing, lookAgainAt) =>
    db.transaction(async (tx) => {
      const orderId = (await findPayment(tx, id))?.orderId;
      if (!orderId) return;
      const order = await lockOrder(tx, orderId);
      const row = await lockPayment(tx, id);
      if (!row) return;
      const at = new Date(now());
      const step = chargeStep(row.state, standing.state);
      if (step === "nothing") return savePayment(tx, id, { nextTryAt: null, updatedAt: row.updatedAt });
      const providerReference = standing.reference || row.providerReference;
      if (step === "noted") {
        if (providerReference === row.providerReference) return;
        return savePayment(tx, id, { providerReference, updatedAt: at });
      }
      const over = { providerReference, source: null, nextTryAt: lookAgainAt ?? null, updatedAt: at };
      if (standing.state === "failed") {
        const { code: failureCode, message: failureMessage } = standing;
        await savePayment(tx, id, { ...over, state: "failed", failureCode, failureMessage });
        await tellFailed(tx, row, failureCode, at);
      } else {
        const label = standing.state === "succeeded" ? standing.label : undefined;
        const surplus = step === "surplus";
        const methodLabel = label || row.methodLabel;
        await savePayment(tx, id, { ...over, state: "succeeded", surplus, methodLabel });
        await book(tx, { kind: "charge", paymentId: id, refundId: null, ...row }, at.getTime());
        // To others it has failed, and that is how it ends: all of it goes back.
        if (!surplus) await tellProcessed(tx, row, at);
      }
      if (order.closedAt || step === "surplus") await giveBack(tx, orderId);
      afterCommit(tx, () => metrics.ended(row.provider, step));
    });

  async function tellProcessed(tx: Query, row: PaymentRow, at: Date) {
    const processedAt = timestampFromDate(at);
    await events.publish(PaymentProcessedSchema, { ...toldOf(row), processedAt }, tx);
  }

  async function tellFailed(tx: Query, row: PaymentRow, failureCode: string, at: Date) {
    const failedAt = timestampFromDate(at);
    await events.publish(PaymentFailedSchema, { ...toldOf(row), failureCode, failedAt }, tx);
  }
}

const toldOf = ({ id, orderId, customerId, sellerId, currency, amount, provider }: PaymentRow) => ({
  paymentId: id,
  orderId,
  customerId,
  sellerId,
  amount: { currency, minorUnits: amount },
  provider,
});
