import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { OrderStatus } from "#gen/order/v1/order_pb.js";
import { PaymentStatus } from "#gen/payment/v1/payment_pb.js";
import { reasonOf } from "#mesh";
import type { ShopWorld } from "./shop-world.ts";
import { createShopWorld, eventually, insist, manager, newCustomer, refusal } from "./shop-world.ts";

let shop: ShopWorld;
beforeAll(async () => {
  shop = await createShopWorld();
});
/** Whatever a test did, no piece and no cent is where it does not belong. */
afterEach(async () => {
  await shop.rests();
  for (const { had, has } of await shop.pieces()) expect(has).toBe(had);
  await eventually(async () => {
    const { stock, orders } = await shop.sold();
    return stock === orders;
  }).toBe(true);
  await expectBooksToAgree();
});
afterAll(() => shop[Symbol.asyncDispose]());

/** What the provider holds is what the ledger says, and what the orders that are paid are worth. */
async function expectBooksToAgree() {
  await eventually(async () => {
    const { balanced, sum, ledger, orders, sandbox } = await shop.money();
    return { balanced, sum, ledger: ledger - sandbox, orders: orders - sandbox };
  }).toEqual({ balanced: true, sum: 0n, ledger: 0n, orders: 0n });
}

const pastPayBy = 31 * 60_000;

describe("from the order to the money and the goods", () => {
  test("an order is placed, paid, sent and delivered, and its stock is sold", async () => {
    const customer = newCustomer();
    const offer = await shop.offer(10);
    const order = await shop.place(customer, offer, 3, {
      expectedTotal: { currency: "USD", minorUnits: 5997n },
    });
    expect(order.status).toBe(OrderStatus.AWAITING_PAYMENT);
    expect(await shop.stockOf(offer)).toEqual({ available: 7, reserved: 3, sold: 0 });
    const payment = await shop.pay(customer, order);
    const paid = await shop.becomes(order, "PAID");
    expect(paid.paymentId).toBe(payment.id);
    await eventually(() => shop.stockOf(offer)).toEqual({ available: 7, reserved: 0, sold: 3 });
    await shop.rests();
    for (const status of [OrderStatus.PROCESSING, OrderStatus.SHIPPED, OrderStatus.DELIVERED]) {
      await shop.orders(offer.seller).updateOrderStatus({ id: order.id, status });
    }
    expect(await shop.order(order.id)).toMatchObject({ status: OrderStatus.DELIVERED });
  });

  test("a card that is declined is noted, and another one pays", async () => {
    const customer = newCustomer();
    const offer = await shop.offer(1);
    const order = await shop.place(customer, offer);
    const declined = await shop.pay(customer, order, "pm_card_chargeDeclined");
    expect(declined.status).toBe(PaymentStatus.FAILED);
    await eventually(async () => (await shop.order(order.id)).history.at(-1)?.reason).toBe(
      declined.failureCode,
    );
    expect((await shop.order(order.id)).status).toBe(OrderStatus.AWAITING_PAYMENT);
    await shop.pay(customer, order);
    await shop.becomes(order, "PAID");
    await eventually(() => shop.stockOf(offer)).toEqual({ available: 0, reserved: 0, sold: 1 });
  });

  test("mobile money pays it once its owner agrees", async () => {
    const customer = newCustomer();
    const order = await shop.place(customer, await shop.offer(1));
    await shop.payByPhone(customer, order, "+233201230003");
    await shop.becomes(order, "PAID");
  });

  test("what there is not enough of, or costs another sum, is told as it is and holds nothing", async () => {
    const customer = newCustomer();
    const offer = await shop.offer(2);
    expect(await refusal(shop.place(customer, offer, 3))).toMatchObject({
      code: "FailedPrecondition",
      reason: "out_of_stock",
      metadata: { wanted: "3", available: "2" },
    });
    const expectedTotal = { currency: "USD", minorUnits: 1n };
    expect(await refusal(shop.place(customer, offer, 1, { expectedTotal }))).toMatchObject({
      reason: "price_changed",
      metadata: { total_minor_units: "1999" },
    });
    expect(await shop.stockOf(offer)).toEqual({ available: 2, reserved: 0, sold: 0 });
  });
});

describe("from the money and the goods back", () => {
  test("a paid order that is called off is refunded, and its stock is back", async () => {
    const customer = newCustomer();
    const offer = await shop.offer(4);
    const order = await shop.place(customer, offer, 4);
    await shop.pay(customer, order);
    await shop.becomes(order, "PAID");
    await shop.rests();
    await shop.orders(customer).cancelOrder({ id: order.id });
    await shop.becomes(order, "CANCELLED");
    await eventually(async () => (await shop.order(order.id)).refunded?.minorUnits).toBe(4n * 1999n);
    expect(await shop.stockOf(offer)).toEqual({ available: 4, reserved: 0, sold: 0 });
    expect(await refusal(shop.pay(customer, order))).toMatchObject({ code: "FailedPrecondition" });
  });

  test("a refund that takes its time keeps the order cancelling until it is there", async () => {
    const customer = newCustomer();
    const order = await shop.place(customer, await shop.offer(1));
    await shop.pay(customer, order, "pm_card_pendingRefund");
    await shop.becomes(order, "PAID");
    await shop.rests();
    await shop.orders(customer).cancelOrder({ id: order.id });
    shop.sandbox.settle();
    await shop.becomes(order, "CANCELLED");
  });

  test("an order whose money is given back is refunded, and what was not sent is back", async () => {
    const customer = newCustomer();
    const offer = await shop.offer(2);
    const order = await shop.place(customer, offer, 2);
    const { id } = await shop.pay(customer, order);
    await shop.becomes(order, "PAID");
    await shop.rests();
    await shop.payments(manager).refundPayment({ id, amount: { currency: "USD", minorUnits: 1000n } });
    await eventually(async () => (await shop.order(order.id)).refunded?.minorUnits).toBe(1000n);
    await shop.payments(manager).refundPayment({ id });
    await shop.becomes(order, "REFUNDED");
    await eventually(() => shop.stockOf(offer)).toEqual({ available: 2, reserved: 0, sold: 0 });
  });

  test("an order that nobody pays is off when its time is over, and cannot be paid any more", async () => {
    const customer = newCustomer();
    const offer = await shop.offer(1);
    const order = await shop.place(customer, offer);
    shop.clock.pass(pastPayBy);
    const off = await shop.becomes(order, "CANCELLED");
    expect(off.reason).toBe("not_paid_in_time");
    expect(await shop.stockOf(offer)).toEqual({ available: 1, reserved: 0, sold: 0 });
    expect(await refusal(shop.pay(customer, order))).toMatchObject({ code: "FailedPrecondition" });
  });

  test("a payment that is under way when its order is called off comes to nothing", async () => {
    const customer = newCustomer();
    const order = await shop.place(customer, await shop.offer(1));
    await shop.pay(customer, order, "pm_card_sandbox_processing");
    await shop.orders(customer).cancelOrder({ id: order.id });
    await shop.becomes(order, "CANCELLED");
  });
});

describe("many at once", () => {
  test("two hundred orders for the last ten pieces: ten get one, and pay, and the others are told", {
    timeout: 60_000,
  }, async () => {
    const offer = await shop.offer(10);
    const placed = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const customer = newCustomer();
        const told = await insist(() => shop.place(customer, offer)).then(() => "placed", reasonOf);
        return { customer, told };
      }),
    );
    // One whose stock could not be asked for at once is gone on with.
    await shop.rests();
    const reasons = new Map<string, number>();
    const got: { customer: ReturnType<typeof newCustomer>; id: string }[] = [];
    for (const { customer } of placed) {
      const { orders } = await shop.orders(customer).listOrders({});
      expect(orders).toHaveLength(1);
      const [order] = orders;
      const told = `${OrderStatus[order!.status]} ${order!.reason}`.trim();
      reasons.set(told, (reasons.get(told) ?? 0) + 1);
      if (order!.status === OrderStatus.AWAITING_PAYMENT) got.push({ customer, id: order!.id });
    }
    expect(Object.fromEntries(reasons)).toEqual({ AWAITING_PAYMENT: 10, "FAILED out_of_stock": 190 });
    expect(await shop.stockOf(offer)).toEqual({ available: 0, reserved: 10, sold: 0 });
    for (const { told } of placed) expect(["placed", "out_of_stock"]).toContain(told);
    await Promise.all(
      got.map(async ({ customer, id }) => insist(async () => shop.pay(customer, await shop.order(id)))),
    );
    for (const order of got) await shop.becomes(order, "PAID");
    await eventually(() => shop.stockOf(offer)).toEqual({ available: 0, reserved: 0, sold: 10 });
  });

  test("paying and calling off at the same time ends with the money on one side and the goods on the other", {
    timeout: 60_000,
  }, async () => {
    const offer = await shop.offer(40);
    const placed = await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        const customer = newCustomer();
        return { customer, order: await insist(() => shop.place(customer, offer)), n };
      }),
    );
    const cards = ["visa", "sandbox_webhook_first", "sandbox_hangs_up", "sandbox_processing"];
    await Promise.all(
      placed.flatMap(({ customer, order, n }) => [
        // Refused when the order is off by then.
        shop.pay(customer, order, `pm_card_${cards[n % cards.length]}`).catch(() => {}),
        insist(() => shop.orders(customer).cancelOrder({ id: order.id })),
      ]),
    );
    for (const { order } of placed) await shop.becomes(order, "CANCELLED");
    await eventually(() => shop.stockOf(offer)).toEqual({ available: 40, reserved: 0, sold: 0 });
  });
});
