import type { Address, CreateOrderRequest } from "#gen/order/v1/order_pb.js";
import { CreateOrderRequestSchema } from "#gen/order/v1/order_pb.js";
import type { Call, Database } from "#mesh";
import {
  asService,
  canonicalId,
  cleanText,
  fail,
  idempotencyKey,
  newId,
  replayed,
  requestHash,
  requireSame,
  requireUser,
} from "#mesh";
import { addHistory } from "./history-store.ts";
import { insertLines } from "./lines-store.ts";
import type { OrderMetrics } from "./order-metrics.ts";
import { orderNumber } from "./order-number.ts";
import type { Delivery, NewOrder, OrderRow } from "./orders-store.ts";
import { countUnpaid, findOrderByKey, insertOrder, lockCustomer } from "./orders-store.ts";
import { asGiven, noProductNamed, tooManyUnpaid } from "./refusals.ts";
import type { StepRunner } from "./step-runner.ts";

export interface CreationOptions {
  db: Database;
  runner: StepRunner;
  metrics: OrderMetrics;
  payWithinMs: number;
  /** Of one customer, for each of them holds stock. */
  mostUnpaid: number;
  leaseMs: number;
  now: () => number;
  random: () => number;
}

/** Numbers that are taken are rare: of a milliard orders, one new number in a thousand. */
const mostNumbers = 10;

/**
 * Places an order. It is there before any other service hears of it, so that
 * whatever comes to an end in between, somebody knows what is to be done.
 */
export function createCreation(options: CreationOptions) {
  const { db, runner, metrics, payWithinMs, mostUnpaid, leaseMs, now, random } = options;

  const place = (request: CreateOrderRequest, customerId: string, key: string | undefined) => {
    const nowMs = now();
    const order = { ...newOrder(request, key, nowMs), customerId };
    const lines = request.lines.map(({ productId, variantId, quantity }) => {
      if (!productId && !variantId) throw noProductNamed();
      return { productId: canonicalId(productId), variantId: canonicalId(variantId), quantity };
    });
    return db.transaction(async (tx): Promise<{ row: OrderRow; isNew: boolean }> => {
      await lockCustomer(tx, customerId);
      for (let tried = 0; tried < mostNumbers; tried++) {
        const row = await insertOrder(tx, { ...order, number: orderNumber(random) });
        if (row) {
          if ((await countUnpaid(tx, customerId)) > mostUnpaid) throw tooManyUnpaid(mostUnpaid);
          await insertLines(tx, row.id, lines);
          await addHistory(
            tx,
            row.id,
            [{ status: "pending", reason: "", by: "customer" }],
            "",
            row.createdAt,
          );
          return { row, isNew: true };
        }
        const same = key === undefined ? undefined : await findOrderByKey(tx, customerId, key);
        if (same) return { row: same, isNew: false };
      }
      throw fail.internal("no_order_number", "no number was found that no order has");
    });
  };

  const newOrder = (request: CreateOrderRequest, key: string | undefined, nowMs: number) => {
    const { expectedTotal, delivery, note } = request;
    return {
      id: newId(nowMs),
      expectedCurrency: expectedTotal?.currency ?? null,
      expectedTotal: expectedTotal?.minorUnits ?? null,
      delivery: delivery ? cleanDelivery(delivery) : null,
      note: cleanText(note),
      idempotencyKey: key ?? null,
      requestHash: requestHash(CreateOrderRequestSchema, request),
      payBy: new Date(nowMs + payWithinMs),
      nextTryAt: new Date(nowMs + leaseMs),
      createdAt: new Date(nowMs),
    } satisfies Partial<NewOrder>;
  };

  return async (request: CreateOrderRequest, call: Call): Promise<OrderRow> => {
    const customerId = canonicalId(requireUser(call).id);
    const placed = await place(request, customerId, idempotencyKey(call));
    if (!placed.isNew) {
      replayed(call);
      requireSame(placed.row.requestHash, requestHash(CreateOrderRequestSchema, request));
    } else {
      metrics.changed(undefined, "pending");
    }
    const row = placed.isNew ? await asService(call, () => runner.run(placed.row, call.signal)) : placed.row;
    if (row.failure) throw asGiven(row.failure);
    return row;
  };
}

export type Creation = ReturnType<typeof createCreation>;

const cleanDelivery = ({ name, lines, city, postalCode, country, phone }: Address): Delivery => ({
  name: cleanText(name),
  lines: lines.map(cleanText),
  city: cleanText(city),
  postalCode: cleanText(postalCode),
  country,
  phone,
});
