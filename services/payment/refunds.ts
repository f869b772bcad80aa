import type { PaymentService, RefundPaymentRequest } from "#gen/payment/v1/payment_pb.js";
import type { Call, Database, Handlers, Query } from "#mesh";
import { canonicalId, cleanText, newId, permits, replayed, requireUser, violates } from "#mesh";
import { refuseCardNumbers } from "./card-number.ts";
import { lookBy } from "./due-store.ts";
import type { Keyed } from "./idempotency.ts";
import { keyedBy, sameRequest } from "./idempotency.ts";
import { toDecimal } from "./money.ts";
import { lockOrder } from "./orders-store.ts";
import type { Pauses } from "./pauses.ts";
import { leaseMs } from "./pauses.ts";
import type { PaymentRow } from "./payments-store.ts";
import { findPayment, lockPayment, savePayment } from "./payments-store.ts";
import { toRefund } from "./present.ts";
import type { AdvanceRefund } from "./refunding.ts";
import type { RefundRow } from "./refunds-store.ts";
import { findRefund, findRefundByKey, insertRefund } from "./refunds-store.ts";
import {
  currencyDiffers,
  noPayment,
  paymentHasFailed,
  paymentIsPending,
  paymentIsRefunded,
  refundExceedsPayment,
  refundIsNothing,
} from "./refusals.ts";

export type RefundHandlers = Pick<Handlers<typeof PaymentService>, "refundPayment">;

export interface RefundsOptions {
  db: Database;
  advance: AdvanceRefund;
  pauses: Pauses;
  now: () => number;
}

export function refunds({ db, advance, pauses, now }: RefundsOptions): RefundHandlers {
  return {
    async refundPayment(request, call) {
      const id = canonicalId(request.id);
      const { id: userId } = requireUser(call);
      const reason = cleanText(request.reason);
      refuseCardNumbers(reason);
      const { amount } = request;
      const keyed = keyedBy(
        call,
        "RefundPayment",
        id,
        amount?.currency ?? "",
        `${amount?.minorUnits ?? ""}`,
        reason,
      );
      const { refund, made } = await write({ ...request, id, reason }, userId, keyed, call);
      if (made) await begin(refund, call);
      else replayed(call);
      return { refund: toRefund((await findRefund(db.sql, refund.id)) ?? refund) };
    },
  };

  /** Sets the amount aside, so that no other refund can take it, before the provider is asked. */
  async function write(request: RefundPaymentRequest, userId: string, keyed: Keyed, call: Call) {
    const attempt = () =>
      db.transaction(async (tx) => {
        const before = await findSame(tx, userId, keyed);
        if (before) return { refund: before, made: false };
        const orderId = (await findPayment(tx, request.id))?.orderId;
        if (!orderId) throw noPayment();
        await lockOrder(tx, orderId);
        const payment = await lockPayment(tx, request.id);
        if (!payment || !mayRefund(call)) throw noPayment();
        const meanwhile = await findSame(tx, userId, keyed);
        if (meanwhile) return { refund: meanwhile, made: false };
        const amount = amountOf(payment, request.amount);
        const at = new Date(now());
        const refund = await insertRefund(tx, {
          id: newId(at.getTime()),
          paymentId: payment.id,
          orderId,
          provider: payment.provider,
          currency: payment.currency,
          amount,
          reason: request.reason,
          requestedBy: userId,
          ...keyed,
          nextTryAt: new Date(at.getTime() + leaseMs(pauses)),
          tries: 1,
          createdAt: at,
          updatedAt: at,
        });
        await savePayment(tx, payment.id, { refunding: payment.refunding + amount, updatedAt: at });
        return { refund, made: true };
      });
    try {
      return await attempt();
    } catch (error) {
      if (violates(error, "refunds_by_idempotency_key")) return attempt();
      throw error;
    }
  }

  async function begin(refund: RefundRow, call: Call) {
    try {
      await advance(refund.id);
    } catch (err) {
      call.log.warn(
        { err, refund: refund.id },
        "the provider left open whether it refunded; it is asked again",
      );
    }
    await lookBy(db.sql, "refunds", refund.id, new Date(now() + pauses.retryMs));
  }
}

/** The contract asks for it too; who calls through a service is held to it here. */
const mayRefund = ({ caller: { user } }: Call): boolean =>
  user !== undefined && permits(user.permissions, "payment:refund");

async function findSame(query: Query, userId: string, keyed: Keyed): Promise<RefundRow | undefined> {
  const { idempotencyKey } = keyed;
  if (idempotencyKey === null) return undefined;
  return sameRequest(await findRefundByKey(query, userId, idempotencyKey), keyed);
}

function amountOf(payment: PaymentRow, wanted: RefundPaymentRequest["amount"]): bigint {
  if (payment.state === "pending") throw paymentIsPending();
  if (payment.state === "failed") throw paymentHasFailed();
  const { currency, amount, refunded, refunding } = payment;
  const left = amount - refunded - refunding;
  if (wanted && wanted.currency !== currency) throw currencyDiffers(currency);
  if (wanted?.minorUnits === 0n) throw refundIsNothing();
  if (left <= 0n) throw paymentIsRefunded();
  if (wanted && wanted.minorUnits > left) {
    throw refundExceedsPayment(`${toDecimal({ currency, minorUnits: left })} ${currency}`);
  }
  return wanted?.minorUnits ?? left;
}
