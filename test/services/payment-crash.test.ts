import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "#mesh";
import type { PaymentWorld } from "./payment-world.ts";
import { createFate, createPaymentWorld, customer, eventually } from "./payment-world.ts";

let world: PaymentWorld;
beforeAll(async () => {
  world = await createPaymentWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** More steps than any of these takes, so that the last ones are killed after all was done. */
const steps = 16;

/** Does something with an instance that is killed after so many steps, and starts another. */
async function killedAfter(left: number, work: () => Promise<unknown>) {
  await world.restart(createFate(left));
  await work().catch(() => {});
  await world.restart();
  // Nobody waits for the time of the one that was killed to be over.
  world.clock.pass(10_000);
}

async function comesToRest() {
  await eventually(async () => {
    world.clock.pass(1000);
    return world.isQuiet();
  }).toBe(true);
}

const booked = async (sellerId: string) => {
  const { balances } = await world.ledger().getBalances({ accountPrefix: `seller:${sellerId}` });
  return balances.map(({ minorUnits }) => minorUnits)[0] ?? 0n;
};

describe("killed between any two steps, and started again", () => {
  test("paying: charged once and told once, or nothing was begun; the key finds it", async () => {
    for (let left = 0; left < steps; left++) {
      const user = customer();
      const order = world.order(user);
      const key = newId();
      await killedAfter(left, () => world.pay(user, order.id, "pm_card_visa", key));
      await comesToRest();
      expect(world.taken(order.id).times).toBeLessThanOrEqual(1);
      await world.pay(user, order.id, "pm_card_visa", key);
      await comesToRest();
      expect(world.taken(order.id), `after ${left} steps`).toEqual({ times: 1, charged: 1999n, left: 1999n });
      expect(await booked(order.sellerId)).toBe(-1999n);
      await eventually(() => world.types(order.id)).toEqual(["processed"]);
    }
  }, 60_000);

  test("a decline: failed once, and told once", async () => {
    for (let left = 0; left < steps; left += 2) {
      const user = customer();
      const order = world.order(user);
      const key = newId();
      await killedAfter(left, () => world.pay(user, order.id, "pm_card_chargeDeclined", key));
      await world.pay(user, order.id, "pm_card_chargeDeclined", key);
      await comesToRest();
      await eventually(() => world.types(order.id), `after ${left} steps`).toEqual(["failed"]);
      expect(world.taken(order.id).times).toBe(0);
    }
  }, 60_000);

  test("giving back a part: once", async () => {
    for (let left = 0; left < steps; left++) {
      const user = customer();
      const order = world.order(user);
      const { id } = await world.pay(user, order.id);
      const key = newId();
      await killedAfter(left, () => world.refund(id, 500n, key));
      await world.refund(id, 500n, key);
      await comesToRest();
      expect(world.taken(order.id), `after ${left} steps`).toEqual({ times: 1, charged: 1999n, left: 1499n });
      expect(await booked(order.sellerId)).toBe(-1499n);
      await eventually(() => world.types(order.id)).toEqual(["processed", "refunded"]);
    }
  }, 60_000);

  test("closing an order that is paid: all of it is back", async () => {
    for (let left = 0; left < steps; left++) {
      const user = customer();
      const order = world.order(user);
      await world.pay(user, order.id);
      await killedAfter(left, () => world.close(order.id));
      await world.close(order.id);
      await eventually(() => world.close(order.id)).toBe(true);
      expect(world.taken(order.id), `after ${left} steps`).toEqual({ times: 1, charged: 1999n, left: 0n });
      expect(await booked(order.sellerId)).toBe(0n);
      await eventually(() => world.types(order.id)).toEqual(["processed", "refunded"]);
    }
  }, 60_000);

  test("paying and closing at once: nothing is left at the provider", async () => {
    for (let left = 0; left < steps + 8; left += 2) {
      const user = customer();
      const order = world.order(user);
      await killedAfter(left, () =>
        Promise.allSettled([
          world.pay(user, order.id, left % 4 ? "pm_card_visa" : "pm_card_sandbox_silent"),
          world.close(order.id),
        ]),
      );
      await world.close(order.id);
      await comesToRest();
      expect(await world.close(order.id), `after ${left} steps`).toBe(true);
      expect(world.taken(order.id).left).toBe(0n);
      expect(await booked(order.sellerId)).toBe(0n);
    }
  }, 60_000);
});
