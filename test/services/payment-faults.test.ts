import { createHmac } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { PaymentService, PaymentStatus } from "#gen/payment/v1/payment_pb.js";
import { signStandard, signStripe } from "../../sandbox/payments/signatures.ts";
import { sandboxKeys } from "../../sandbox/payments/start.ts";
import type { PaymentWorld } from "./payment-world.ts";
import { createPaymentWorld, customer, eventually, failure } from "./payment-world.ts";

let world: PaymentWorld;
const lines: string[] = [];
beforeAll(async () => {
  world = await createPaymentWorld({ logs: { write: (line) => lines.push(line) } });
});
afterEach(() => {
  world.sandbox.setDown(false);
  world.gate.open = true;
  world.clock.aheadMs = 0;
});
afterAll(() => world[Symbol.asyncDispose]());

const pay = async (token: string) => {
  const user = customer();
  const order = world.order(user);
  return { user, order, payment: await world.pay(user, order.id, token) };
};

describe("a provider that does not answer as it should", () => {
  test.each(["hangs_up", "no_answer", "slow", "silent"])(
    "but took the money (%s) is asked, and not for the money again",
    async (name) => {
      const { order, payment } = await pay(`pm_card_sandbox_${name}`);
      await eventually(() => world.status(payment.id)).toBe("SUCCEEDED");
      expect(world.taken(order.id)).toMatchObject({ times: 1, charged: 1999n });
      await eventually(() => world.types(order.id)).toEqual(["processed"]);
      expect(await world.payment(payment.id)).toMatchObject({ methodLabel: "visa …4242" });
    },
  );

  test("and never got the request is asked again after a safe time", async () => {
    const { user, order, payment } = await pay("pm_card_sandbox_lost");
    expect(payment.status).toBe(PaymentStatus.PENDING);
    expect((await failure(world.pay(user, order.id))).reason).toBe("order_is_being_paid");
    await eventually(() => world.status(payment.id)).toBe("SUCCEEDED");
    expect(world.taken(order.id).times).toBe(1);
  });

  test("is down: the payment waits, and is done when it is up", async () => {
    world.sandbox.setDown(true);
    const { order, payment } = await pay("pm_card_visa");
    expect(payment.status).toBe(PaymentStatus.PENDING);
    world.sandbox.setDown(false);
    await eventually(() => world.status(payment.id)).toBe("SUCCEEDED");
    expect(world.taken(order.id).times).toBe(1);
  });

  test("is down while the order is closed: nothing is charged later", async () => {
    world.sandbox.setDown(true);
    const { order, payment } = await pay("pm_card_visa");
    expect(await world.close(order.id)).toBe(false);
    world.sandbox.setDown(false);
    await eventually(() => world.close(order.id)).toBe(true);
    expect(await world.payment(payment.id)).toMatchObject({
      status: PaymentStatus.FAILED,
      failureCode: "order_closed",
    });
    expect(world.taken(order.id).times).toBe(0);
  });

  test("is down while money is to go back: it goes when it is up", async () => {
    const { order } = await pay("pm_card_visa");
    world.sandbox.setDown(true);
    expect(await world.close(order.id)).toBe(false);
    world.sandbox.setDown(false);
    await eventually(() => world.close(order.id)).toBe(true);
    expect(world.taken(order.id)).toMatchObject({ left: 0n });
  });

  test("takes longer than it may to be worth waiting for: the service says that it is degraded", async () => {
    world.sandbox.setDown(true);
    const { payment } = await pay("pm_card_visa");
    expect((await world.health()).dependencies["open payments"]?.status).toBe("healthy");
    world.clock.pass(31 * 60_000);
    await eventually(async () => (await world.health()).dependencies["open payments"]?.error).toMatch(
      /1 payments/,
    );
    expect((await world.health()).status).toBe("degraded");
    world.sandbox.setDown(false);
    await eventually(() => world.status(payment.id)).toBe("SUCCEEDED");
  });

  test("knows nothing for a day: the payment is given up rather than charged twice", async () => {
    world.sandbox.setDown(true);
    const { payment } = await pay("pm_card_visa");
    world.clock.pass(24 * 3_600_000);
    world.sandbox.setDown(false);
    await eventually(() => world.payment(payment.id)).toMatchObject({ failureCode: "provider_unreachable" });
  });

  test("charges after all what was given up: all of it goes back", async () => {
    const { user, order, payment } = await pay("pm_card_sandbox_held");
    // As if nobody had heard of it there when the time to wait was over.
    await world.sql`update payments set state = 'failed', next_try_at = null where id = ${payment.id}`;
    const again = await world.pay(user, order.id);
    world.sandbox.settle();
    await eventually(() => world.taken(order.id)).toEqual({ times: 2, charged: 3998n, left: 1999n });
    await eventually(() => world.status(payment.id)).toBe("REFUNDED");
    expect(await world.status(again.id)).toBe("SUCCEEDED");
    expect(
      (await world.ledger().getBalances({ accountPrefix: `seller:${order.sellerId}` })).balances,
    ).toMatchObject([{ minorUnits: -1999n }]);
    expect(world.types(order.id)).not.toContain("refunded");
  });
});

describe("callbacks", () => {
  test.each(["first", "twice", "late", "never"])("that come %s have their effect once", async (name) => {
    const { order, payment } = await pay(`pm_card_sandbox_webhook_${name}`);
    expect(payment.status).toBe(PaymentStatus.SUCCEEDED);
    await eventually(() => world.types(order.id)).toEqual(["processed"]);
    expect(world.taken(order.id)).toMatchObject({ times: 1 });
  });

  test("tell the end of what is processed, and are sent again when nobody takes them", async () => {
    world.gate.open = false;
    const { order, payment } = await pay("pm_card_sandbox_processing");
    await eventually(() => world.sandbox.callbacks().tried).toBeGreaterThan(2);
    world.gate.open = true;
    await eventually(() => world.status(payment.id)).toBe("SUCCEEDED");
    const failing = await pay("pm_card_sandbox_processing_fails");
    await eventually(() => world.status(failing.payment.id)).toBe("FAILED");
    expect(world.types(order.id)).toEqual(["processed"]);
  });

  const body = Buffer.from(
    JSON.stringify({ id: "evt_1", type: "payment_intent.succeeded", data: { object: { id: "pi_1" } } }),
  );
  const refused = async () =>
    Number(
      /payment_callbacks_total\{[^}]*outcome="refused"[^}]*\} (\d+)/.exec(await world.metrics())?.[1] ?? 0,
    );

  test.each([
    ["no signature", () => ({})],
    ["another's signature", () => signStripe(body.toString(), "whsec_of_a_stranger", world.clock.now())],
    [
      "a signature of long ago",
      () => signStripe(body.toString(), sandboxKeys.stripeSecret, world.clock.now() - 3_600_000),
    ],
    [
      "a signature of tomorrow",
      () => signStripe(body.toString(), sandboxKeys.stripeSecret, world.clock.now() + 86_400_000),
    ],
    ["the signature of another body", () => signStripe("{}", sandboxKeys.stripeSecret, world.clock.now())],
    ["a broken signature", () => ({ "stripe-signature": "t=x,v1=" })],
  ])("with %s are refused and counted", async (_, headers) => {
    const before = await refused();
    const call = world.host
      .client(PaymentService)
      .receiveCallback({ provider: "stripe", body: { data: body } }, { headers: headers() });
    expect((await failure(call)).reason).toBe("bad_callback_signature");
    expect(await refused()).toBe(before + 1);
  });

  test.each([
    "null",
    "[]",
    "{}",
    '{"type":1}',
    '{"type":"payment_intent.x"}',
    '{"type":"refund.x","data":{"object":null}}',
  ])("that are signed and say nothing, such as %s, are taken and have no effect", async (text) => {
    const headers = signStripe(text, sandboxKeys.stripeSecret, world.clock.now());
    await world.host
      .client(PaymentService)
      .receiveCallback({ provider: "stripe", body: { data: Buffer.from(text) } }, { headers });
  });

  test("forged for mobile money are refused too", async () => {
    const text = body.toString();
    const stale = signStandard("msg_1", text, sandboxKeys.momoSecret, world.clock.now() - 3_600_000);
    const good = signStandard("msg_1", text, sandboxKeys.momoSecret, world.clock.now());
    const forged = {
      ...good,
      "webhook-signature": `v1,${createHmac("sha256", "x").update(text).digest("base64")}`,
    };
    for (const headers of [{}, stale, forged, { ...good, "webhook-id": "msg_2" }]) {
      expect(await world.deliver("momo", body, headers as Record<string, string>)).toBe(401);
    }
    expect(
      await world.deliver("momo", body, {
        ...good,
        "webhook-signature": `v1,AAAA ${good["webhook-signature"]}`,
      }),
    ).toBe(200);
  });

  test("of kinds and of payments that nobody knows are taken and do nothing", async () => {
    for (const event of [
      { type: "customer.created", data: { object: { id: "cus_1" } } },
      { type: "payment_intent.succeeded", data: { object: { id: "pi_of_another_shop", metadata: {} } } },
      {
        type: "payment_intent.succeeded",
        data: { object: { id: "pi_x", metadata: { payment_id: "no uuid" } } },
      },
      { type: "refund.updated", data: { object: { id: "re_x", metadata: null } } },
    ]) {
      const text = JSON.stringify({ id: "evt_2", object: "event", ...event });
      const headers = signStripe(text, sandboxKeys.stripeSecret, world.clock.now());
      expect(await world.deliver("stripe", Buffer.from(text), headers)).toBe(200);
    }
  });

  test("cannot make a payment succeed that the provider does not hold", async () => {
    const { payment } = await pay("pm_card_sandbox_processing");
    const text = JSON.stringify({
      id: "evt_3",
      object: "event",
      type: "payment_intent.succeeded",
      data: {
        object: { id: payment.providerReference, status: "succeeded", metadata: { payment_id: payment.id } },
      },
    });
    await world.deliver(
      "stripe",
      Buffer.from(text),
      signStripe(text, sandboxKeys.stripeSecret, world.clock.now()),
    );
    await eventually(() => world.status(payment.id)).toBe("SUCCEEDED");
    expect(world.held().filter(({ paymentId }) => paymentId === payment.id)).toHaveLength(1);
  });
});

test("no log line holds a card's number, a token, a telephone or a key", async () => {
  const user = customer();
  const order = world.order(user);
  await failure(world.pay(user, order.id, "pm_4242424242424242"));
  await failure(world.pay(user, order.id, "4000056655665556"));
  await world.payByPhone(user, order.id, "+233209990001");
  const text = lines.join("\n");
  expect(text).toContain("CreatePayment");
  for (const secret of [
    "4242424242424242",
    "4000056655665556",
    "pm_card_",
    "233209990001",
    ...Object.values(sandboxKeys),
  ]) {
    expect(text).not.toContain(secret);
  }
});

test("a provider without a key is not offered", async () => {
  await using bare = await createPaymentWorld({ env: { PAYMENT_STRIPE_KEY: "", PAYMENT_MOMO_KEY: "" } });
  const user = customer();
  const order = bare.order(user);
  expect((await failure(bare.pay(user, order.id))).reason).toBe("provider_not_configured");
  expect((await failure(bare.payByPhone(user, order.id))).reason).toBe("provider_not_configured");
});

test("an amount that the provider cannot take fails at once, and nothing waits for it", async () => {
  const user = customer();
  const order = world.order(user, 12_345n, { currency: "KWD" });
  expect(await world.pay(user, order.id)).toMatchObject({
    status: PaymentStatus.FAILED,
    failureCode: "amount_not_payable",
  });
});

test("a provider that has forgotten a payment is not believed that there is none", async () => {
  const { payment } = await pay("pm_card_sandbox_held");
  await world.sql`update payments set provider_reference = 'pi_of_another_account' where id = ${payment.id}`;
  world.clock.pass(60_000);
  await eventually(async () => {
    const [row] = await world.sql`select tries from payments where id = ${payment.id}`;
    world.clock.pass(1000);
    return row?.tries;
  }).toBeGreaterThan(2);
  expect(await world.status(payment.id)).toBe("PENDING");
  await world.sql`update payments set provider_reference = ${payment.providerReference} where id = ${payment.id}`;
  world.sandbox.settle();
  await eventually(() => world.status(payment.id)).toBe("SUCCEEDED");
});
