import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { OrderStatus } from "#gen/order/v1/order_pb.js";
import { fail, newId, reasonOf } from "#mesh";
import type { OrderWorld } from "./order-world.ts";
import { createOrderWorld, eventually, newCustomer, price, refusal, usd, userWith } from "./order-world.ts";

let world: OrderWorld;
beforeAll(async () => {
  world = await createOrderWorld();
});
afterEach(() => world.mend());
afterAll(() => world[Symbol.asyncDispose]());

const address = {
  name: "  محمد 🧺  ",
  lines: ["Main Street 1", "\u202Bשלום\u202C"],
  city: "Accra",
  postalCode: "GA-1",
  country: "GH",
  phone: "+233201234567",
};

describe("placing an order", () => {
  test("holds stock for so many unpaid orders of one customer, also when they are placed at once", async () => {
    const customer = newCustomer();
    const placed = await Promise.all(
      Array.from({ length: 24 }, () => world.create(customer).then(({ id }) => id, reasonOf)),
    );
    expect(placed.filter((it) => it === "too_many_unpaid_orders")).toHaveLength(4);
    const [first = ""] = placed.filter((it) => it !== "too_many_unpaid_orders");
    await world.orders(customer).cancelOrder({ id: first });
    await world.create(customer);
  });

  test("prices its lines, holds its stock, and tells of it in the order in which it happened", async () => {
    const customer = newCustomer();
    const variantId = newId();
    const lines = [
      { productId: newId(), quantity: 2 },
      { variantId, quantity: 3 },
    ];
    const order = await world.create(customer, {
      lines,
      delivery: address,
      note: "ring 🔔",
      expectedTotal: usd(5n * price),
    });
    expect(order).toMatchObject({
      status: OrderStatus.AWAITING_PAYMENT,
      customerId: customer.id,
      sellerId: world.stock.sellerId,
      total: usd(5n * price),
      refunded: usd(0n),
      delivery: address,
      note: "ring 🔔",
      number: expect.stringMatching(/^W-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/),
      reason: "",
      paymentId: "",
    });
    expect(order.lines).toMatchObject([
      { productId: lines[0]?.productId, quantity: 2, productName: "Thing 0 🧺", total: usd(2n * price) },
      {
        variantId,
        quantity: 3,
        variantName: "كبير",
        sku: "T-1",
        unitPrice: usd(price),
        total: usd(3n * price),
      },
    ]);
    expect(world.statuses(order)).toEqual(["PENDING", "AWAITING_PAYMENT"]);
    expect(order.history[0]?.by).toBe("customer");
    expect(await world.told(order.id)).toEqual(["created", "AWAITING_PAYMENT"]);
    const called = (await world.events(order.id)).map(({ orderNumber }) => orderNumber);
    expect(called).toEqual([order.number, order.number]);
    expect(world.stock.state(order.id)).toBe("held");
    expect(await world.order(order.id)).toEqual(order);
  });

  test("holds its stock a little longer than there is time to pay", async () => {
    const { id, payBy, createdAt } = await world.create(newCustomer());
    const ttl = world.stock.asked.find(({ orderId }) => orderId === id)?.ttl?.seconds;
    expect(ttl).toBe(35n * 60n);
    const seconds = Number(payBy!.seconds - createdAt!.seconds);
    expect(seconds).toBeGreaterThanOrEqual(30 * 60);
    expect(seconds).toBeLessThan(31 * 60);
  });

  test("with capitals in its ids means the same as without", async () => {
    const customer = newCustomer();
    const productId = newId();
    const order = await world.create(customer, {
      lines: [{ productId: productId.toUpperCase(), quantity: 1 }],
    });
    expect(order.lines[0]?.productId).toBe(productId);
    const found = await world.orders(customer).getOrder({ id: order.id.toUpperCase() });
    expect(found.order?.id).toBe(order.id);
  });

  test("keeps text that PostgreSQL cannot keep as near to it as can be", async () => {
    const delivery = { ...address, name: "a\0b" };
    const order = await world.create(newCustomer(), { note: "x\0y", delivery });
    expect(order.note).toBe("x\u{fffd}y");
    expect(order.delivery?.name).toBe("a\u{fffd}b");
  });

  test("is for who may, and names what is wanted", async () => {
    expect(await refusal(world.create(userWith("product:read")))).toMatchObject({
      reason: "permission_missing",
    });
    const nothing = world.create(newCustomer(), { lines: [{ quantity: 1 }] });
    expect(await refusal(nothing)).toMatchObject({ code: "InvalidArgument", reason: "no_product_named" });
    for (const lines of [[], [{ productId: newId(), quantity: 0 }], [{ productId: "x", quantity: 1 }]]) {
      expect(await refusal(world.create(newCustomer(), { lines }))).toMatchObject({
        reason: "contract_violation",
      });
    }
  });

  test("fails with what the product service says, also when it is asked again", async () => {
    const customer = newCustomer();
    const productId = newId();
    world.stock.before = async () => {
      throw fail.precondition("out_of_stock", "2 are wanted and 1 is there", {
        metadata: { available: "1" },
      });
    };
    const request = { lines: [{ productId, quantity: 2 }] };
    const told = await refusal(world.create(customer, request, "k"));
    expect(told).toEqual({
      code: "FailedPrecondition",
      reason: "out_of_stock",
      message: "2 are wanted and 1 is there",
      metadata: { available: "1" },
    });
    world.mend();
    expect(await refusal(world.create(customer, request, "k"))).toEqual(told);
    const { orders } = await world.orders(customer).listOrders({});
    expect(orders).toMatchObject([{ status: OrderStatus.FAILED, reason: "out_of_stock" }]);
    expect(orders[0]?.lines).toMatchObject([{ productId, quantity: 2 }]);
    expect(await world.told(orders[0]!.id)).toEqual(["FAILED answered"]);
    expect(await world.due(orders[0]!.id)).toEqual([]);
  });

  test("that costs another sum than its customer saw fails, and lets its stock go", async () => {
    const customer = newCustomer();
    for (const expectedTotal of [usd(2n * price - 1n), { currency: "EUR", minorUnits: 2n * price }]) {
      expect(await refusal(world.create(customer, { expectedTotal }))).toMatchObject({
        code: "FailedPrecondition",
        reason: "price_changed",
        metadata: { currency: "USD", total_minor_units: String(2n * price) },
      });
    }
    const { orders } = await world.orders(customer).listOrders({});
    expect(orders).toHaveLength(2);
    for (const { id, status, reason } of orders) {
      expect({ status, reason }).toEqual({ status: OrderStatus.FAILED, reason: "price_changed" });
      expect(world.stock.state(id)).toBe("released");
    }
  });

  test("that costs more than can be said is refused, and lets its stock go", async () => {
    const customer = newCustomer();
    world.stock.unitPrice = 1_000_000_000_000n;
    expect(await refusal(world.create(customer))).toMatchObject({ reason: "total_too_large" });
    const { orders } = await world.orders(customer).listOrders({});
    expect(world.stock.state(orders[0]!.id)).toBe("released");
  });

  test("that costs nothing is paid at once", async () => {
    world.stock.unitPrice = 0n;
    const order = await world.create(newCustomer());
    expect(order).toMatchObject({ status: OrderStatus.PAID, total: usd(0n), paymentId: "" });
    expect(world.stock.state(order.id)).toBe("sold");
    expect(await world.told(order.id)).toEqual(["created", "AWAITING_PAYMENT", "PAID"]);
  });

  test("while the product service is away gives an order that is pending, and goes on by itself", async () => {
    world.stock.down = true;
    const order = await world.create(newCustomer());
    expect(order.status).toBe(OrderStatus.PENDING);
    expect(order.total).toBeUndefined();
    world.stock.down = false;
    const ready = await world.becomes(order.id, "AWAITING_PAYMENT");
    expect(ready.total).toMatchObject(usd(2n * price));
    expect(await world.told(order.id)).toEqual(["created", "AWAITING_PAYMENT"]);
  });

  test("whose stock nobody answers for in its time is called off", async () => {
    world.stock.down = true;
    const { id } = await world.create(newCustomer());
    world.clock.pass(31 * 60_000);
    await eventually(() => world.status(id)).toBe("CANCELLING");
    world.stock.down = false;
    const order = await world.becomes(id, "CANCELLED");
    expect(order.reason).toBe("not_held_in_time");
    expect(world.stock.state(id)).toBe("released");
  });

  test("a refusal that comes after an answer that was lost lets go what that may have held", async () => {
    let lost = true;
    world.stock.after = async () => {
      if (lost) throw fail.unavailable("gone", "the answer is lost");
    };
    const order = await world.create(newCustomer());
    expect(order.status).toBe(OrderStatus.PENDING);
    await eventually(() => world.stock.state(order.id)).toBe("held");
    lost = false;
    world.stock.before = async (step) => {
      if (step === "reserve") throw fail.precondition("out_of_stock", "nothing is there");
    };
    await world.becomes(order.id, "FAILED");
    await eventually(() => world.stock.state(order.id)).toBe("released");
  });
});

describe("an Idempotency-Key", () => {
  test("makes one order of twenty requests at once, over two instances", async () => {
    const customer = newCustomer();
    const replica = await world.startReplica();
    const request = { lines: [{ productId: newId(), quantity: 1 }] };
    const one = async () => (await world.create(customer, request, "one")).id;
    const ids = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 ? one() : replica.create(customer, request, "one"))),
    );
    expect(new Set(ids).size).toBe(1);
    const { orders } = await world.orders(customer).listOrders({});
    expect(orders).toHaveLength(1);
    await eventually(() => world.told(orders[0]!.id)).toEqual(["created", "AWAITING_PAYMENT"]);
    expect(world.stock.calls.filter((it) => it === `reserve ${orders[0]!.id}`)).toHaveLength(1);
  });

  test("gives the order as it is by now", async () => {
    const customer = newCustomer();
    const request = { lines: [{ productId: newId(), quantity: 1 }] };
    const { id } = await world.create(customer, request, "k");
    const order = await world.becomes(id, "AWAITING_PAYMENT");
    await world.till.pay(order);
    await world.becomes(order.id, "PAID");
    const again = await world.create(customer, request, "k");
    expect(again).toMatchObject({ id: order.id, status: OrderStatus.PAID });
  });

  test("is refused for another request, and is another one of another customer", async () => {
    const customer = newCustomer();
    const request = { lines: [{ productId: newId(), quantity: 1 }] };
    const { id } = await world.create(customer, request, "k");
    expect(await refusal(world.create(customer, { ...request, note: "other" }, "k"))).toMatchObject({
      code: "InvalidArgument",
      reason: "idempotency_key_reused",
    });
    expect((await world.create(newCustomer(), request, "k")).id).not.toBe(id);
    expect((await world.create(customer, request)).id).not.toBe(id);
  });

  test("of another form is refused", async () => {
    for (const key of ["a b", "x".repeat(256)]) {
      expect(await refusal(world.create(newCustomer(), {}, key))).toMatchObject({
        reason: "idempotency_key_invalid",
      });
    }
  });
});
