import type { Order } from "#gen/order/v1/order_pb.js";
import { OrderStatus } from "#gen/order/v1/order_pb.js";
import type { CreatePaymentRequest, PaymentService } from "#gen/payment/v1/payment_pb.js";
import type { Call, Database, Handlers, Query } from "#mesh";
import {
  canonicalId,
  decodePage,
  newId,
  paged,
  pagePart,
  pageSize,
  replayed,
  requireUser,
  violates,
} from "#mesh";
import type { Charging } from "./charging.ts";
import { lookBy } from "./due-store.ts";
import type { Keyed } from "./idempotency.ts";
import { keyedBy, sameRequest } from "./idempotency.ts";
import type { Method } from "./method.ts";
import { methodOf } from "./method.ts";
import { lockOrder } from "./orders-store.ts";
import type { Pauses } from "./pauses.ts";
import { leaseMs } from "./pauses.ts";
import type { PaymentRow } from "./payments-store.ts";
import * as store from "./payments-store.ts";
import type { Peers } from "./peers.ts";
import { toPayment } from "./present.ts";
import type { Providers } from "./providers/provider.ts";
import { refundsOf } from "./refunds-store.ts";
import {
  noOrder,
  noPayment,
  nothingToPay,
  orderIsBeingPaid,
  orderIsClosed,
  orderIsPaid,
  orderNotPayable,
  providerNotConfigured,
} from "./refusals.ts";
import { maySee, seesAll } from "./sight.ts";

export type PaymentHandlers = Pick<
  Handlers<typeof PaymentService>,
  "createPayment" | "getPayment" | "listPayments"
>;

export interface PaymentsOptions {
  db: Database;
  orders: Peers["orders"];
  providers: Providers;
  charging: Charging;
  pauses: Pauses;
  now: () => number;
}

export function payments({ db, orders, providers, charging, pauses, now }: PaymentsOptions): PaymentHandlers {
  return {
    async createPayment(request, call) {
      const orderId = canonicalId(request.orderId);
      const method = methodOf(request);
      const keyed = keyOf(request, orderId, method, call);
      const { id: customerId } = requireUser(call);
      const before = await findSame(db.sql, customerId, keyed);
      if (before) {
        replayed(call);
        return { payment: toPayment(before) };
      }
      if (!providers.has(method.provider)) throw providerNotConfigured(method.provider);
      const { order } = await orders.getOrder({ id: orderId });
      if (!order || canonicalId(order.customerId) !== canonicalId(customerId)) throw noOrder();
      const { payment, made } = await write(order, customerId, method, keyed);
      if (made) await begin(payment, call);
      else replayed(call);
      return { payment: toPayment((await store.findPayment(db.sql, payment.id)) ?? payment) };
    },

    async getPayment({ id }, call) {
      const row = await store.findPayment(db.sql, canonicalId(id));
      if (!row || !maySee(call, row)) throw noPayment();
      return { payment: toPayment(row, await refundsOf(db.sql, row.id)) };
    },

    async listPayments({ pageSize: wanted, pageToken, orderId }, call) {
      const size = pageSize(wanted);
      const beforeId = decodePage(pageToken, [pagePart.uuid])?.[0];
      const userId = call.caller.user?.id;
      const rows = await store.listPayments(db.sql, {
        orderId: orderId ? canonicalId(orderId) : undefined,
        customerId: orderId ? undefined : userId,
        partyId: orderId && !seesAll(call) ? userId : undefined,
        beforeId,
        limit: size + 1,
      });
      const page = paged(rows, size, ({ id }) => [id]);
      return { payments: page.rows.map((row) => toPayment(row)), nextPageToken: page.nextPageToken };
    },
  };

  /** Writes the payment down, before anybody is asked for money: a crash leaves something to go on from. */
  async function write(order: Order, customerId: string, method: Method, keyed: Keyed) {
    const attempt = () =>
      db.transaction(async (tx) => {
        const { closedAt } = await lockOrder(tx, canonicalId(order.id));
        const before = await findSame(tx, customerId, keyed);
        if (before) return { payment: before, made: false };
        if (closedAt) throw orderIsClosed();
        const live = await store.livePayment(tx, canonicalId(order.id));
        if (live) throw live.state === "pending" ? orderIsBeingPaid(live.id) : orderIsPaid(live.id);
        const amount = amountOf(order);
        const at = new Date(now());
        const payment = await store.insertPayment(tx, {
          id: newId(at.getTime()),
          orderId: canonicalId(order.id),
          orderNumber: order.number,
          customerId,
          sellerId: order.sellerId,
          currency: amount.currency,
          amount: amount.minorUnits,
          ...method,
          ...keyed,
          askedAt: at,
          // Whoever asks now has this long until others take over.
          nextTryAt: new Date(at.getTime() + leaseMs(pauses)),
          createdAt: at,
          updatedAt: at,
        });
        return { payment, made: true };
      });
    try {
      return await attempt();
    } catch (error) {
      // The same key was used at the same time for another order; now it can be seen.
      if (violates(error, "payments_by_idempotency_key")) return attempt();
      throw error;
    }
  }

  async function begin(payment: PaymentRow, call: Call) {
    const { id } = payment;
    try {
      await charging.begin(payment);
    } catch (err) {
      // What happened is not known. It stays pending, and the loop finds out.
      call.log.warn({ err, payment: id }, "the provider left open whether it charged; it is asked again");
    }
    await lookBy(db.sql, "payments", id, new Date(now() + pauses.retryMs));
  }
}

const keyOf = (request: CreatePaymentRequest, orderId: string, { source }: Method, call: Call): Keyed =>
  keyedBy(call, "CreatePayment", orderId, request.method.case ?? "", source);

async function findSame(query: Query, customerId: string, keyed: Keyed): Promise<PaymentRow | undefined> {
  const { idempotencyKey } = keyed;
  if (idempotencyKey === null) return undefined;
  return sameRequest(await store.findPaymentByKey(query, customerId, idempotencyKey), keyed);
}

function amountOf({ status, total }: Order) {
  if (status !== OrderStatus.AWAITING_PAYMENT)
    throw orderNotPayable(OrderStatus[status]?.toLowerCase() ?? "");
  if (!total || total.minorUnits === 0n) throw nothingToPay();
  return total;
}
