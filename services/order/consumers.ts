import type { PaymentProcessed } from "#gen/payment/v1/events_pb.js";
import {
  PaymentFailedSchema,
  PaymentProcessedSchema,
  PaymentRefundedSchema,
} from "#gen/payment/v1/events_pb.js";
import { UserDeletedSchema } from "#gen/user/v1/events_pb.js";
import type { Event, Logger, Subscription } from "#mesh";
import { canonicalId, fail, on } from "#mesh";
import type { Amount, Happening } from "./order-state.ts";
import type { OrderRow } from "./orders-store.ts";
import { forgetCustomer } from "./orders-store.ts";
import type { Recorder } from "./record.ts";
import { isPaid } from "./status.ts";

/**
 * None of these is `ordered`: each is right in any order by design, and a
 * payment that cannot be handled holds up nothing else. What is known of a
 * payment only grows (charged or not, the most that was refunded), so a refund
 * that overtakes its charge waits in the row for it; what follows is decided by
 * the state of the order under its lock; and to forget a customer twice, or
 * before or after a change of her orders, is the same.
 */
export function consumers({ record, log }: { record: Recorder; log: Logger }): Subscription[] {
  const happened = async (orderId: string, happening: Happening, { tx }: Event) => {
    const recorded = await record(tx, canonicalId(orderId), happening);
    // Payments are made of orders that are there: somebody must look where the money belongs.
    if (!recorded) throw fail.notFound("order_not_found", `no order has the id ${orderId}`);
    return recorded;
  };

  return [
    on(PaymentProcessedSchema, async (message, event) => {
      const { orderId, paymentId: id } = message;
      const paymentId = canonicalId(id);
      const amount = amountOf(message.amount);
      const { row, changed } = await happened(orderId, { kind: "paid", paymentId, amount }, event);
      if (changed && row.paymentId !== paymentId)
        log.error({ order: orderId, paymentId }, "an order was paid twice");
    }),

    on(PaymentFailedSchema, ({ orderId, failureCode }, event) =>
      happened(orderId, { kind: "payment_failed", reason: failureCode || "payment_failed" }, event),
    ),

    on(PaymentRefundedSchema, async (message, event) => {
      const { orderId, inFull } = message;
      const paymentId = canonicalId(message.paymentId);
      const refunded = amountOf(message.refunded);
      const happening = { kind: "refund", paymentId, refunded: refunded.minorUnits, inFull } as const;
      const { row } = await happened(orderId, happening, event);
      if (row.paymentId === paymentId && exceeds(refunded, row)) {
        throw fail.invalid("refund_exceeds_order", `more of order ${orderId} was refunded than it costs`, {
          remedy: "compare the payment's books with the order",
        });
      }
    }),

    on(UserDeletedSchema, ({ userId }, { tx }) => forgetCustomer(tx, canonicalId(userId))),
  ];
}

/** Of an order that was paid as it was to be; one that was not costs something else anyway. */
const exceeds = ({ currency, minorUnits }: Amount, { status, currency: own, total }: OrderRow) =>
  (isPaid(status) || status === "refunded") && (currency !== own || (total !== null && minorUnits > total));

function amountOf(money: PaymentProcessed["amount"]): Amount {
  if (!money) throw fail.invalid("amount_missing", "an event of a payment names no amount");
  return money;
}
