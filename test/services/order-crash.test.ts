import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fate, OrderWorld } from "./order-world.ts";
import { createOrderWorld, eventually, newCustomer, price } from "./order-world.ts";

let world: OrderWorld;
beforeAll(async () => {
  world = await createOrderWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/**
 * Has an instance do something, killed after nothing, after the first thing it
 * does, and so on, until one lives to the end. Tells how many were killed.
 */
async function killEverywhere(
  attempt: (replica: Awaited<ReturnType<OrderWorld["startReplica"]>>) => Promise<void>,
  after: () => Promise<void>,
): Promise<number> {
  for (let left = 0; ; left++) {
    const died = Promise.withResolvers<void>();
    const fate: Fate = { left, dead: false, died: died.resolve };
    const replica = await world.startReplica(fate);
    await Promise.race([attempt(replica), died.promise]);
    replica.stopping.abort();
    await after();
    if (!fate.dead) return left;
  }
}

describe("an instance that is killed between any two things that it does", () => {
  test("while it places an order leaves one that goes on, or none", { timeout: 60_000 }, async () => {
    let customer = newCustomer();
    const killed = await killEverywhere(
      async (replica) => {
        customer = newCustomer();
        await replica.create(customer, {}, "the-key");
      },
      async () => {
        const { orders } = await world.orders(customer).listOrders({});
        if (orders.length === 0) return;
        expect(orders).toHaveLength(1);
        const { id } = await world.becomes(orders[0]!.id, "AWAITING_PAYMENT");
        await eventually(() => world.due(id)).toEqual([]);
        expect(world.stock.state(id)).toBe("held");
        expect(await world.told(id)).toEqual(["created", "AWAITING_PAYMENT"]);
      },
    );
    // Twice around and once within each of two transactions, and around one call.
    expect(killed).toBe(8);
    const known = await world.sql<{ id: string }[]>`select id from orders`;
    expect([...world.stock.states.keys()].sort()).toEqual(known.map(({ id }) => id).sort());
  });

  test("while it calls a paid order off leaves it to be called off", { timeout: 60_000 }, async () => {
    let [customer, id] = [newCustomer(), ""];
    const killed = await killEverywhere(
      async (replica) => {
        customer = newCustomer();
        id = (await world.paid(customer)).id;
        await replica.cancel(customer, id);
      },
      async () => {
        // Whoever got no answer asks again.
        await world.orders(customer).cancelOrder({ id });
        const order = await world.becomes(id, "CANCELLED");
        expect(order.total?.minorUnits).toBe(2n * price);
        await eventually(() => world.due(id)).toEqual([]);
        await eventually(async () => (await world.order(id)).refunded?.minorUnits).toBe(2n * price);
        expect(world.till.balance(id)).toBe(0n);
        expect(world.till.charged.get(id)).toHaveLength(1);
        expect(world.stock.state(id)).toBe("released");
        const told = ["created", "AWAITING_PAYMENT", "PAID", "CANCELLING", "CANCELLED"];
        expect(await world.told(id)).toEqual(told);
      },
    );
    // Of three transactions and two calls; fewer when the refund is told of before the answer is written.
    expect(killed).toBeGreaterThanOrEqual(8);
  });
});
