import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { LedgerEntrySchema, PaymentSchema, RefundSchema } from "#gen/payment/v1/payment_pb.js";
import { PaymentStatus, RefundStatus } from "#gen/payment/v1/payment_pb.js";
import type { EntryRow } from "./ledger-store.ts";
import type { PaymentRow, State } from "./payments-store.ts";
import type { RefundRow } from "./refunds-store.ts";

export function statusOf({
  state,
  amount,
  refunded,
}: Pick<PaymentRow, "state" | "amount" | "refunded">): PaymentStatus {
  if (state === "pending") return PaymentStatus.PENDING;
  if (state === "failed") return PaymentStatus.FAILED;
  if (refunded === 0n) return PaymentStatus.SUCCEEDED;
  return refunded < amount ? PaymentStatus.PARTLY_REFUNDED : PaymentStatus.REFUNDED;
}

const refundStatus: Readonly<Record<State, RefundStatus>> = {
  pending: RefundStatus.PENDING,
  succeeded: RefundStatus.SUCCEEDED,
  failed: RefundStatus.FAILED,
};

export function toPayment(
  row: PaymentRow,
  refunds: readonly RefundRow[] = [],
): MessageInitShape<typeof PaymentSchema> {
  const { id, orderId, customerId, sellerId, currency, amount, refunded } = row;
  const { provider, providerReference, methodLabel, failureCode, failureMessage } = row;
  return {
    id,
    orderId,
    customerId,
    sellerId,
    status: statusOf(row),
    amount: { currency, minorUnits: amount },
    refunded: { currency, minorUnits: refunded },
    provider,
    providerReference,
    methodLabel,
    failureCode,
    failureMessage,
    createdAt: timestampFromDate(row.createdAt),
    updatedAt: timestampFromDate(row.updatedAt),
    refunds: refunds.map(toRefund),
  };
}

export function toRefund(row: RefundRow): MessageInitShape<typeof RefundSchema> {
  const { id, paymentId, currency, amount, state, reason, failureCode, createdAt } = row;
  return {
    id,
    paymentId,
    amount: { currency, minorUnits: amount },
    status: refundStatus[state],
    reason,
    failureCode,
    createdAt: timestampFromDate(createdAt),
  };
}

export function toEntry(row: EntryRow): MessageInitShape<typeof LedgerEntrySchema> {
  return { ...row, createdAt: timestampFromDate(row.createdAt) };
}
