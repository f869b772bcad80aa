import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OrderStatus } from "#gen/order/v1/order_pb.js";
import { PaymentStatus, RefundStatus } from "#gen/payment/v1/payment_pb.js";
import { newId } from "#mesh";
import type { PaymentWorld } from "./payment-world.ts";
import { createPaymentWorld, customer, eventually, failure } from "./payment-world.ts";

let world: PaymentWorld;
beforeAll(async () => {
  world = await createPaymentWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

describe("paying an order by card", () => {
  test("charges what the order says, tells so, and books it", async () => {
    const user = customer();
    const order = world.order(user);
    const payment = await world.pay(user, order.id.toUpperCase());
    expect(payment).toMatchObject({
      orderId: order.id,
      customerId: user.id,
      sellerId: order.sellerId,
      status: PaymentStatus.SUCCEEDED,
      amount: { currency: "USD", minorUnits: 1999n },
      refunded: { minorUnits: 0n },
      provider: "stripe",
      methodLabel: "visa …4242",
    });
    expect(payment.providerReference).toMatch(/^pi_/);
    expect(world.taken(order.id)).toEqual({ times: 1, charged: 1999n, left: 1999n });
    await eventually(() => world.types(order.id)).toEqual(["processed"]);
    const { balances } = await world.ledger().getBalances({ accountPrefix: `seller:${order.sellerId}` });
    expect(balances).toMatchObject([{ currency: "USD", minorUnits: -1999n }]);
  });

  test("that is declined fails with the bank's reason, and the order may be paid with another", async () => {
    const user = customer();
    const order = world.order(user);
    const declined = await world.pay(user, order.id, "pm_card_chargeDeclinedInsufficientFunds");
    expect(declined).toMatchObject({ status: PaymentStatus.FAILED, failureCode: "insufficient_funds" });
    expect(declined.failureMessage).not.toBe("");
    await eventually(() => world.told(order.id)).toMatchObject([
      { type: "failed", failureCode: "insufficient_funds" },
    ]);
    expect(await world.pay(user, order.id, "tok_visa")).toMatchObject({ status: PaymentStatus.SUCCEEDED });
    expect(world.taken(order.id).times).toBe(1);
  });

  test("with a token that there is not fails, and so does one whose owner would have to be asked", async () => {
    const user = customer();
    const order = world.order(user);
    expect(await world.pay(user, order.id, "pm_nonsense")).toMatchObject({ failureCode: "resource_missing" });
    expect(await world.pay(user, order.id, "pm_card_authenticationRequired")).toMatchObject({
      failureCode: "authentication_required",
    });
  });

  test.each(["pm_4242424242424242", "tok_x4000056655665556"])(
    "refuses %s, which is no token but a card's number",
    async (token) => {
      const user = customer();
      const order = world.order(user);
      expect((await failure(world.pay(user, order.id, token))).reason).toBe("card_number_refused");
    },
  );

  test("is for its customer alone: to others there is no such order", async () => {
    const order = world.order(customer());
    expect(await failure(world.pay(customer(), order.id))).toMatchObject({ code: Code.NotFound });
    const seller = { ...customer(), id: order.sellerId };
    expect(await failure(world.pay(seller, order.id))).toMatchObject({
      code: Code.NotFound,
      reason: "order_not_found",
    });
    expect(await failure(world.pay(customer(), newId()))).toMatchObject({ code: Code.NotFound });
  });

  test("is refused for an order that awaits no payment, or costs nothing", async () => {
    const user = customer();
    const cancelled = world.order(user, 100n, { status: OrderStatus.CANCELLED });
    expect((await failure(world.pay(user, cancelled.id))).reason).toBe("order_not_payable");
    expect((await failure(world.pay(user, world.order(user, 0n).id))).reason).toBe("nothing_to_pay");
  });

  test("happens once, whatever is asked how often at once", async () => {
    const user = customer();
    const order = world.order(user);
    const asked = await Promise.allSettled(Array.from({ length: 20 }, () => world.pay(user, order.id)));
    expect(asked.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const it of asked) {
      if (it.status === "rejected") {
        expect(["order_is_being_paid", "order_is_paid"]).toContain(
          (await failure(Promise.reject(it.reason))).reason,
        );
        expect(it.reason.code).toBe(Code.AlreadyExists);
      }
    }
    expect(world.taken(order.id)).toMatchObject({ times: 1, charged: 1999n });
  });

  test("with the same key is the same payment, twenty times at once and later", async () => {
    const user = customer();
    const order = world.order(user);
    const key = newId();
    const made = await Promise.all(
      Array.from({ length: 20 }, () => world.pay(user, order.id, "pm_card_visa", key)),
    );
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect(world.taken(order.id).times).toBe(1);
    order.status = OrderStatus.PAID;
    expect(await world.pay(user, order.id, "pm_card_visa", key)).toMatchObject({
      id: made[0]?.id,
      status: PaymentStatus.SUCCEEDED,
    });
    expect(await failure(world.pay(user, order.id, "pm_card_mastercard", key))).toMatchObject({
      code: Code.InvalidArgument,
      reason: "idempotency_key_reused",
    });
    const orders = Array.from({ length: 8 }, () => world.order(user));
    const other = newId();
    const raced = await Promise.allSettled(
      orders.map(({ id }) => world.pay(user, id, "pm_card_visa", other)),
    );
    expect(raced.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const elsewhere = customer();
    expect((await world.pay(elsewhere, world.order(elsewhere).id, "pm_card_visa", key)).id).not.toBe(
      made[0]?.id,
    );
  });
});

describe("closing an order", () => {
  test("that nobody paid settles at once, and for good", async () => {
    const user = customer();
    const order = world.order(user);
    expect(await world.close(order.id)).toBe(true);
    expect((await failure(world.pay(user, order.id))).reason).toBe("order_is_closed");
    expect(await world.close(order.id)).toBe(true);
    expect(world.taken(order.id).times).toBe(0);
  });

  test("that is paid gives all of it back, tells so, and may be said again", async () => {
    const user = customer();
    const order = world.order(user);
    const { id } = await world.pay(user, order.id);
    await world.close(order.id, "out of stock");
    await eventually(() => world.close(order.id)).toBe(true);
    expect(world.taken(order.id)).toEqual({ times: 1, charged: 1999n, left: 0n });
    await eventually(() => world.told(order.id)).toMatchObject([
      { type: "processed" },
      { type: "refunded", amount: 1999n, inFull: true },
    ]);
    const payment = await world.payment(id);
    expect(payment).toMatchObject({ status: PaymentStatus.REFUNDED, refunded: { minorUnits: 1999n } });
    expect(payment.refunds).toMatchObject([{ reason: "out of stock", status: RefundStatus.SUCCEEDED }]);
  });
});
