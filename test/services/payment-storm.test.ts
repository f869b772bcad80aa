import fc from "fast-check";
import { expect, test } from "vitest";
import { newId } from "#mesh";
import { createFate, createPaymentWorld, customer, eventually } from "./payment-world.ts";

const tokens = [
  "pm_card_visa",
  "pm_card_chargeDeclined",
  "pm_card_pendingRefund",
  "pm_card_sandbox_slow",
  "pm_card_sandbox_hangs_up",
  "pm_card_sandbox_no_answer",
  "pm_card_sandbox_lost",
  "pm_card_sandbox_silent",
  "pm_card_sandbox_webhook_first",
  "pm_card_sandbox_webhook_twice",
  "pm_card_sandbox_webhook_late",
  "pm_card_sandbox_processing",
  "pm_card_sandbox_processing_fails",
  "pm_card_sandbox_held",
  "pm_card_sandbox_firm",
  "pm_card_sandbox_refund_fails_once",
  "pm_card_sandbox_refund_hangs_up",
  "pm_card_sandbox_refund_comes_back_once",
];
const phones = [
  "+233200001111",
  "+233200000001",
  "+233200000002",
  "+233200000003",
  "+233200000005",
  "+233200000009",
];

const plan = fc.record({
  methods: fc.array(fc.constantFrom(...tokens, ...phones), { minLength: 1, maxLength: 3 }),
  clicks: fc.integer({ min: 1, max: 4 }),
  keyed: fc.boolean(),
  minorUnits: fc.bigInt({ min: 100n, max: 100_000n }),
  refunds: fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 4 }),
  close: fc.constantFrom("never", "at_once", "after"),
});

test("after a storm of all that can happen the books say what the providers hold, to the last cent", async () => {
  await using world = await createPaymentWorld();
  const seed = Number(process.env.STORM_SEED ?? Date.now() % 1_000_000);
  const plans = fc.sample(plan, { numRuns: 48, seed });
  const [weather] = fc.sample(
    fc.array(fc.constantFrom("down", "deaf", "crash", "calm"), { minLength: 12, maxLength: 12 }),
    { numRuns: 1, seed },
  );
  const closed = new Set<string>();
  let over = false;

  const begun = async () => Number((await world.sql`select count(*) from payments`)[0]!.count);
  const storm = async () => {
    for (const kind of weather ?? []) {
      if (over) break;
      if (kind === "crash") {
        const fate = createFate(40);
        await world.restart(fate);
        await eventually(() => over || fate.dead).toBe(true);
        await world.restart();
        continue;
      }
      if (kind === "down") world.sandbox.setDown(true);
      if (kind === "deaf") world.gate.open = false;
      const until = (await begun()) + 5;
      await eventually(async () => over || (await begun()) >= until).toBe(true);
      world.sandbox.setDown(false);
      world.gate.open = true;
    }
  };
  const follow = async ({ methods, clicks, keyed, minorUnits, refunds, close }: (typeof plans)[number]) => {
    const user = customer();
    const order = world.order(user, minorUnits);
    for (const method of methods) {
      const key = keyed ? newId() : undefined;
      const pay = () =>
        method.startsWith("+")
          ? world.payByPhone(user, order.id, method, key)
          : world.pay(user, order.id, method, key);
      const paying = Promise.allSettled(Array.from({ length: clicks }, pay));
      if (close === "at_once") {
        closed.add(order.id);
        await world.close(order.id).catch(() => {});
      }
      for (const it of await paying) {
        if (it.status !== "fulfilled") continue;
        const parts = refunds.map((percent) =>
          world.refund(it.value.id, (minorUnits * BigInt(percent)) / 100n || 1n),
        );
        await Promise.allSettled(parts);
      }
    }
    if (close === "after") {
      closed.add(order.id);
      await world.close(order.id).catch(() => {});
    }
    return order;
  };
  /** What comes back to the sandbox calls for a look, and may be on its way. */
  const isHeardOf = async () => {
    const rows = await world.sql<{ id: string; refunded: string }[]>`select id, refunded from payments`;
    const known = new Map(rows.map(({ id, refunded }) => [id, BigInt(refunded)]));
    return world.held().every(({ paymentId, refunded }) => known.get(paymentId) === refunded);
  };
  const blowing = storm();
  const orders = await Promise.all(plans.map(follow));
  over = true;
  await blowing;
  await world.restart();
  for (const id of closed) await world.close(id).catch(() => {});
  let quietTimes = 0;
  await eventually(async () => {
    // Long enough for the last looks at what was given up.
    world.clock.pass(20_000);
    world.sandbox.settle();
    quietTimes = (await world.isQuiet()) && (await isHeardOf()) ? quietTimes + 1 : 0;
    return quietTimes;
  }).toBeGreaterThan(1);

  const about = `seed ${seed}`;
  const held = world.held();
  for (const order of orders) {
    const rows =
      await world.sql`select id, state, surplus, amount, refunded, refunding from payments where order_id = ${order.id}`;
    for (const row of rows) {
      const charges = held.filter(({ paymentId }) => paymentId === row.id);
      expect(charges.length, `${about}, ${row.state}`).toBe(row.state === "succeeded" ? 1 : 0);
      if (charges[0]) expect(charges[0].refunded, about).toBe(BigInt(row.refunded));
      expect(BigInt(row.refunding), about).toBe(0n);
    }
    expect(
      rows.filter(({ state, surplus }) => state === "succeeded" && !surplus).length,
      about,
    ).toBeLessThanOrEqual(1);
    if (closed.has(order.id)) {
      expect(await world.close(order.id), about).toBe(true);
      expect(world.taken(order.id).left, about).toBe(0n);
    }
  }
  const { balances, balanced } = await world.ledger().getBalances({});
  expect(balanced).toBe(true);
  for (const provider of ["stripe", "momo"]) {
    const there = held.filter((it) => it.provider === provider).reduce((sum, { left }) => sum + left, 0n);
    expect(balances.find(({ account }) => account === `provider:${provider}`)?.minorUnits ?? 0n, about).toBe(
      there,
    );
  }
  for (const order of orders) {
    const { left } = world.taken(order.id);
    expect(
      balances.find(({ account }) => account === `seller:${order.sellerId}`)?.minorUnits ?? 0n,
      about,
    ).toBe(-left);
  }
}, 120_000);
