import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { OrderStatus } from "#gen/order/v1/order_pb.js";
import { PaymentProcessedSchema, PaymentRefundedSchema } from "#gen/payment/v1/events_pb.js";
import { fail, newId } from "#mesh";
import type { OrderWorld } from "./order-world.ts";
import { createOrderWorld, eventually, newCustomer, price, refusal, usd } from "./order-world.ts";

let world: OrderWorld;
beforeAll(async () => {
  world = await createOrderWorld();
});
afterEach(() => world.mend());
afterAll(() => world[Symbol.asyncDispose]());

const total = 2n * price;
const pastPayBy = 31 * 60_000;

/** Off, with nobody owing anybody anything. */
const expectSettled = async (id: string) => {
  expect(world.till.balance(id)).toBe(0n);
  expect(world.stock.state(id)).toBe("released");
  expect(await world.due(id)).toEqual([]);
};

describe("a payment", () => {
  test("makes an order paid and its stock sold", async () => {
    const order = await world.create(newCustomer());
    const paymentId = await world.till.pay(order);
    await eventually(() => world.stock.state(order.id)).toBe("sold");
    expect(await world.order(order.id)).toMatchObject({ status: OrderStatus.PAID, paymentId });
    expect(await world.told(order.id)).toEqual(["created", "AWAITING_PAYMENT", "PAID"]);
    expect(await world.metric("weft_order_paid_seconds_count")).toBeGreaterThan(0);
    const change = { before: "awaiting_payment", status: "paid" };
    expect(await world.metric("weft_order_status_changes_total", change)).toBeGreaterThan(0);
  });

  test("that fails is noted, and another one pays the order", async () => {
    const order = await world.create(newCustomer());
    await world.till.decline(order.id);
    await eventually(async () => (await world.order(order.id)).history.map(({ reason }) => reason)).toEqual([
      "",
      "",
      "card_declined",
    ]);
    expect(await world.status(order.id)).toBe("AWAITING_PAYMENT");
    await world.till.pay(order);
    await world.becomes(order.id, "PAID");
    expect(await world.told(order.id)).toEqual(["created", "AWAITING_PAYMENT", "PAID"]);
  });

  test("of another sum than the order costs goes back, and the order is off", async () => {
    const order = await world.create(newCustomer());
    await world.till.pay(order, total - 1n);
    const off = await world.becomes(order.id, "CANCELLED");
    expect(off.reason).toBe("wrong_amount");
    await eventually(async () => (await world.order(order.id)).refunded).toMatchObject(usd(total - 1n));
    await expectSettled(order.id);
  });

  test("whose stock is gone by then goes back", async () => {
    const order = await world.create(newCustomer());
    world.stock.before = async (step) => {
      if (step === "commit") throw fail.precondition("reservation_expired", "it took too long");
    };
    await world.till.pay(order);
    const off = await world.becomes(order.id, "CANCELLED");
    expect(off.reason).toBe("reservation_expired");
    expect(world.statuses(off)).toEqual(["PENDING", "AWAITING_PAYMENT", "PAID", "CANCELLING", "CANCELLED"]);
    await expectSettled(order.id);
  });

  test("that the product service hears of late has its stock sold in the end", async () => {
    const order = await world.create(newCustomer());
    world.stock.down = true;
    await world.till.pay(order);
    await eventually(() => world.status(order.id)).toBe("PAID");
    const early = world
      .orders(world.seller)
      .updateOrderStatus({ id: order.id, status: OrderStatus.PROCESSING });
    expect(await refusal(early)).toMatchObject({ code: "Unavailable", reason: "order_stock_not_settled" });
    world.stock.down = false;
    await eventually(() => {
      world.clock.pass(1000);
      return world.stock.state(order.id);
    }).toBe("sold");
  });

  test("of an order that nobody knows is kept for somebody to look at", async () => {
    const orderId = newId();
    await world.till.publish(PaymentProcessedSchema, { paymentId: newId(), orderId, amount: usd(1n) });
    const failed = { consumer: "payment_processed", outcome: "failed" };
    await eventually(() => world.metric("weft_events_handled_total", failed)).toBeGreaterThan(0);
  });
});

describe("a refund", () => {
  test("of a part adds up, and of all of it makes the order refunded and its stock free", async () => {
    const order = await world.paid(newCustomer());
    await world.till.refund(order.id, 500n);
    await eventually(async () => (await world.order(order.id)).refunded?.minorUnits).toBe(500n);
    expect(await world.status(order.id)).toBe("PAID");
    await world.till.refund(order.id);
    await world.becomes(order.id, "REFUNDED");
    await eventually(() => world.stock.state(order.id)).toBe("released");
    expect((await world.order(order.id)).refunded).toMatchObject(usd(total));
  });

  test("of an order that was sent leaves its stock sold", async () => {
    const { id } = await world.paid(newCustomer());
    const seller = world.orders(world.seller);
    for (const status of [OrderStatus.PROCESSING, OrderStatus.SHIPPED]) {
      await seller.updateOrderStatus({ id, status });
    }
    await world.till.refund(id);
    await world.becomes(id, "REFUNDED");
    expect(await world.due(id)).toEqual([]);
    expect(world.stock.state(id)).toBe("sold");
  });

  test("that is heard of before its payment counts once the payment is", async () => {
    const order = await world.create(newCustomer());
    const payment = { paymentId: newId(), orderId: order.id, amount: usd(total) };
    const refund = { ...payment, refundId: newId(), refunded: usd(total), inFull: true };
    await world.till.publish(PaymentRefundedSchema, refund);
    await eventually(
      async () => (await world.sql`select 1 from order_payments where order_id = ${order.id}`).length,
    ).toBe(1);
    expect(await world.status(order.id)).toBe("AWAITING_PAYMENT");
    await world.till.publish(PaymentProcessedSchema, payment);
    await world.becomes(order.id, "REFUNDED");
    expect(await world.told(order.id)).toEqual(["created", "AWAITING_PAYMENT", "PAID", "REFUNDED"]);
    await eventually(() => world.stock.state(order.id)).toBe("released");
  });

  test("of more than the order costs changes nothing and is kept for somebody to look at", async () => {
    const { id, paymentId } = await world.paid(newCustomer());
    const refund = { paymentId, orderId: id, refundId: newId(), refunded: usd(total + 1n), inFull: true };
    await world.till.publish(PaymentRefundedSchema, refund);
    const dead = { consumer: "payment_refunded", outcome: "dead" };
    await eventually(() => world.metric("weft_events_handled_total", dead)).toBe(1);
    expect(await world.status(id)).toBe("PAID");
  });
});

describe("calling an order off", () => {
  test("before it is paid frees its stock and lets nobody pay it any more", async () => {
    const customer = newCustomer();
    const { id } = await world.create(customer);
    const { order } = await world.orders(customer).cancelOrder({ id, reason: "changed my mind 🤷" });
    expect(order).toMatchObject({ status: OrderStatus.CANCELLED, reason: "cancelled_by_customer" });
    expect(order?.history.at(-2)).toMatchObject({ by: "customer", reason: "changed my mind 🤷" });
    expect(world.till.closed.get(id)).toBe("cancelled_by_customer");
    await expectSettled(id);
    expect(await world.told(id)).toEqual(["created", "AWAITING_PAYMENT", "CANCELLING", "CANCELLED"]);
  });

  test("after it is paid gives the money back first, and then the stock", async () => {
    const customer = newCustomer();
    const { id } = await world.paid(customer);
    world.till.slow = true;
    const { order } = await world.orders(customer).cancelOrder({ id });
    expect(order?.status).toBe(OrderStatus.CANCELLING);
    expect(world.stock.state(id)).toBe("sold");
    await world.till.refund(id);
    await world.becomes(id, "CANCELLED", 0);
    expect((await world.order(id)).refunded).toMatchObject(usd(total));
    await expectSettled(id);
  });

  test("twice, and by many at once, is the same as once", async () => {
    const customer = newCustomer();
    const { id } = await world.paid(customer);
    const replica = await world.startReplica();
    await Promise.all([
      ...Array.from({ length: 8 }, () => world.orders(customer).cancelOrder({ id })),
      ...Array.from({ length: 4 }, () => world.orders(world.seller).cancelOrder({ id })),
      ...Array.from({ length: 8 }, () => replica.cancel(customer, id)),
    ]);
    await world.becomes(id, "CANCELLED");
    await eventually(async () => (await world.order(id)).refunded?.minorUnits).toBe(total);
    const { order } = await world.orders(customer).cancelOrder({ id });
    expect(order?.status).toBe(OrderStatus.CANCELLED);
    expect(world.till.charged.get(id)).toMatchObject([{ refunded: total }]);
    expect(await world.told(id)).toEqual(["created", "AWAITING_PAYMENT", "PAID", "CANCELLING", "CANCELLED"]);
  });

  test("is the seller's, and an admin's, to do too, and shows by whom", async () => {
    const { id } = await world.create(newCustomer());
    const { order } = await world.orders(world.seller).cancelOrder({ id });
    expect(order?.reason).toBe("cancelled_by_seller");
  });

  test("is too late once it is on its way", async () => {
    const customer = newCustomer();
    const { id } = await world.paid(customer);
    for (const status of [OrderStatus.PROCESSING, OrderStatus.SHIPPED, OrderStatus.DELIVERED]) {
      await world.orders(world.seller).updateOrderStatus({ id, status });
      if (status === OrderStatus.PROCESSING) continue;
      expect(await refusal(world.orders(customer).cancelOrder({ id }))).toMatchObject({
        code: "FailedPrecondition",
        reason: "order_on_its_way",
      });
    }
  });

  test("while the payment service is away is gone on with when it is back", async () => {
    const customer = newCustomer();
    const { id } = await world.paid(customer);
    world.till.down = true;
    const { order } = await world.orders(customer).cancelOrder({ id });
    expect(order?.status).toBe(OrderStatus.CANCELLING);
    expect(await world.due(id)).toEqual(["close_payment", "release_stock"]);
    world.clock.pass(6 * 60_000);
    await eventually(async () => (await world.health())?.error ?? "").toMatch(/1 orders? wait/);
    const failed = { step: "close_payment", outcome: "failed" };
    expect(await world.metric("weft_order_steps_total", failed)).toBeGreaterThan(0);
    world.till.down = false;
    await world.becomes(id, "CANCELLED", 5000);
    await expectSettled(id);
    await eventually(async () => (await world.health())?.status).toBe("healthy");
  });

  test("before its stock is held lets none be held afterwards", async () => {
    const customer = newCustomer();
    const [asked, goOn] = [Promise.withResolvers<string>(), Promise.withResolvers<void>()];
    world.stock.before = async (step, orderId) => {
      if (step !== "reserve") return;
      asked.resolve(orderId);
      await goOn.promise;
    };
    const placing = world.create(customer);
    const id = await asked.promise;
    const { order } = await world.orders(customer).cancelOrder({ id });
    expect(order?.status).toBe(OrderStatus.CANCELLED);
    goOn.resolve();
    expect((await placing).status).toBe(OrderStatus.CANCELLED);
    await expectSettled(id);
    expect(await world.told(id)).toEqual(["CANCELLING", "CANCELLED"]);
  });

  test("racing its payment leaves the money where the order says it is", async () => {
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const customer = newCustomer();
        const order = await world.create(customer);
        await Promise.all([world.till.pay(order), world.orders(customer).cancelOrder({ id: order.id })]);
        return order.id;
      }),
    );
    for (const id of ids) {
      await world.becomes(id, "CANCELLED");
      await eventually(async () => (await world.order(id)).refunded?.minorUnits).toBe(total);
      await eventually(() => world.due(id)).toEqual([]);
      await expectSettled(id);
    }
  });

  test("a payment that comes after it goes back, and the order stays as it is", async () => {
    const customer = newCustomer();
    const order = await world.create(customer);
    await world.orders(customer).cancelOrder({ id: order.id });
    // As if the payment service had not heard of it.
    world.till.closed.delete(order.id);
    await world.till.pay(order);
    await eventually(() => world.till.balance(order.id)).toBe(0n);
    await eventually(async () => (await world.order(order.id)).refunded?.minorUnits).toBe(total);
    await eventually(() => world.due(order.id)).toEqual([]);
    expect(await world.status(order.id)).toBe("CANCELLED");
  });

  test("a payment of an order that failed goes back", async () => {
    const customer = newCustomer();
    expect(await refusal(world.create(customer, { expectedTotal: usd(1n) }))).toMatchObject({
      reason: "price_changed",
    });
    const [failed] = (await world.orders(customer).listOrders({})).orders;
    await world.till.pay(failed!, 5n);
    await eventually(() => world.till.balance(failed!.id)).toBe(0n);
    expect(await world.status(failed!.id)).toBe("FAILED");
  });
});

describe("an order that is not paid in its time", () => {
  test("is closed, its stock freed, and off", async () => {
    const { id } = await world.create(newCustomer());
    world.clock.pass(pastPayBy);
    const order = await world.becomes(id, "CANCELLED");
    expect(order.reason).toBe("not_paid_in_time");
    expect(order.history.at(-1)?.by).toBe("system");
    expect(world.till.closed.get(id)).toBe("not_paid_in_time");
    await expectSettled(id);
  });

  test("is as long in waiting as its stock is held, however late that is known", async () => {
    world.stock.heldMs = 10 * 60_000 + world.clock.aheadMs;
    const { payBy } = await world.create(newCustomer());
    expect(Number(payBy!.seconds) * 1000).toBeLessThanOrEqual(world.clock.now() + 5 * 60_000);
  });

  test("has a payment refunded that won the race", async () => {
    const order = await world.create(newCustomer());
    const [asked, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    world.till.before = async (orderId) => {
      if (orderId !== order.id) return;
      asked.resolve();
      await goOn.promise;
    };
    world.clock.pass(pastPayBy);
    await asked.promise;
    await world.till.pay(order);
    goOn.resolve();
    await world.becomes(order.id, "CANCELLED");
    await eventually(async () => (await world.order(order.id)).refunded?.minorUnits).toBe(total);
    await eventually(() => world.due(order.id)).toEqual([]);
    await expectSettled(order.id);
  });
});

test("an answer of the payment service that is older than a payment does not count: it is asked again", async () => {
  const customer = newCustomer();
  const order = await world.create(customer);
  const [answered, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  world.till.after = async () => {
    answered.resolve();
    await goOn.promise;
  };
  const cancelling = world.orders(customer).cancelOrder({ id: order.id });
  await answered.promise;
  // As if the payment service had not heard of the closing, and is not to be asked for a while.
  world.till.down = true;
  world.till.closed.delete(order.id);
  await world.till.pay(order);
  await eventually(async () => (await world.order(order.id)).paymentId).not.toBe("");
  goOn.resolve();
  expect((await cancelling).order?.status).toBe(OrderStatus.CANCELLING);
  world.till.down = false;
  await world.becomes(order.id, "CANCELLED");
  await eventually(async () => (await world.order(order.id)).refunded?.minorUnits).toBe(total);
  await eventually(() => world.due(order.id)).toEqual([]);
  await expectSettled(order.id);
});
