import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Stripe from "stripe";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { parseForm } from "../../sandbox/form.ts";
import { cards } from "../../sandbox/payments/cards.ts";
import type { PaymentsSandbox } from "../../sandbox/payments/start.ts";
import { sandboxKeys, startPaymentsSandbox } from "../../sandbox/payments/start.ts";

const patient = { timeout: 10_000, interval: 10 };
const eventually = <T>(look: () => T) => expect.poll(look, patient);

interface Heard {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

let sandbox: PaymentsSandbox;
let stripe: Stripe;
const heard: Heard[] = [];
let taking = true;
const ear = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const headers = request.headers as Record<string, string>;
  heard.push({ path: request.url ?? "", headers, body: Buffer.concat(chunks).toString() });
  response.writeHead(taking ? 200 : 500).end();
});
beforeAll(async () => {
  await new Promise<void>((done) => ear.listen(0, "127.0.0.1", done));
  const webhookUrl = `http://127.0.0.1:${(ear.address() as AddressInfo).port}/callbacks`;
  const delays = { slowMs: 30, settleMs: 20, lateMs: 50, retryMs: 10, expiryMs: 60 };
  sandbox = await startPaymentsSandbox({ webhookUrl, delays });
  stripe = new Stripe(sandboxKeys.stripeKey, {
    host: "127.0.0.1",
    port: sandbox.port,
    protocol: "http",
    maxNetworkRetries: 0,
    httpClient: Stripe.createFetchHttpClient(),
  });
});
afterEach(() => {
  sandbox.reset();
  heard.length = 0;
  taking = true;
});
afterAll(async () => {
  await sandbox.close();
  ear.closeAllConnections();
  ear.close();
});

const charge = (token: string, more: object = {}, key?: string) =>
  stripe.paymentIntents.create(
    { amount: 500, currency: "usd", confirm: true, payment_method: `pm_card_${token}`, ...more },
    { ...(key && { idempotencyKey: key }), ...(token === "sandbox_no_answer" && { timeout: 200 }) },
  );
const caught = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: Stripe.errors.StripeError) => error,
  );
const momo = (path: string, options: { reference?: string; body?: object; key?: string } = {}) => {
  const { reference, body, key = sandboxKeys.momoKey } = options;
  return fetch(`${sandbox.url}${path}`, {
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${key}`, ...(reference && { "x-reference-id": reference }) },
    ...(body && { body: JSON.stringify(body) }),
  });
};

describe("as Stripe", () => {
  test("charges a test card, shows the charge, and finds it by its metadata", async () => {
    const made = await charge("visa", { metadata: { payment_id: "p1" } });
    expect(made).toMatchObject({
      object: "payment_intent",
      status: "succeeded",
      amount: 500,
      amount_received: 500,
    });
    expect(await stripe.paymentIntents.retrieve(made.id)).toMatchObject({
      latest_charge: { payment_method_details: { card: { brand: "visa", last4: "4242" } } },
    });
    const { data } = await stripe.paymentIntents.search({ query: "metadata['payment_id']:'p1'" });
    expect(data.map(({ id }) => id)).toEqual([made.id]);
    expect(sandbox.charges()).toMatchObject([
      { provider: "stripe", id: made.id, status: "succeeded", amount: "500", paymentId: "p1" },
    ]);
  });

  test("declines as Stripe spells it, with the intent", async () => {
    const error = await caught(charge("chargeDeclinedInsufficientFunds"));
    expect(error).toBeInstanceOf(Stripe.errors.StripeCardError);
    expect(error).toMatchObject({
      statusCode: 402,
      code: "card_declined",
      decline_code: "insufficient_funds",
    });
    expect(error?.payment_intent?.status).toBe("requires_payment_method");
    expect(await caught(charge("nonsense"))).toMatchObject({
      statusCode: 404,
      code: "resource_missing",
      param: "payment_method",
    });
    expect(await caught(charge("visa", { amount: 0 }))).toMatchObject({ statusCode: 400, param: "amount" });
  });

  test("does the same request once for its key, and refuses another with it", async () => {
    const first = await charge("visa", {}, "k1");
    expect(await charge("visa", {}, "k1")).toMatchObject({ id: first.id });
    const error = await caught(charge("visa", { amount: 501 }, "k1"));
    expect(error).toMatchObject({ type: "StripeIdempotencyError", statusCode: 400 });
    const declined = await caught(charge("chargeDeclined", {}, "k2"));
    expect(await caught(charge("chargeDeclined", {}, "k2"))).toMatchObject({
      payment_intent: { id: declined?.payment_intent?.id },
    });
    const racing = await Promise.allSettled([
      charge("sandbox_slow", {}, "k3"),
      charge("sandbox_slow", {}, "k3"),
    ]);
    expect(racing.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(sandbox.charges().filter(({ status }) => status === "succeeded")).toHaveLength(2);
  });

  test("refuses a wrong key, says of what is not there that it is missing, and is down when told to", async () => {
    const stranger = new Stripe("sk_wrong", {
      host: "127.0.0.1",
      port: sandbox.port,
      protocol: "http",
      maxNetworkRetries: 0,
    });
    expect(await caught(stranger.paymentIntents.retrieve("pi_1"))).toMatchObject({ statusCode: 401 });
    expect(await caught(stripe.paymentIntents.retrieve("pi_1"))).toMatchObject({ statusCode: 404 });
    expect(await caught(stripe.refunds.retrieve("re_1"))).toMatchObject({ statusCode: 404 });
    await fetch(`${sandbox.url}/sandbox/down`, { method: "POST" });
    expect(await caught(charge("visa"))).toMatchObject({ statusCode: 503 });
    await fetch(`${sandbox.url}/sandbox/up`, { method: "POST" });
    expect(await charge("visa")).toMatchObject({ status: "succeeded" });
    expect((await fetch(`${sandbox.url}/elsewhere`)).status).toBe(404);
  });

  test("refunds in parts, and never more than was paid", async () => {
    const { id } = await charge("visa");
    const refund = await stripe.refunds.create({
      payment_intent: id,
      amount: 200,
      metadata: { refund_id: "r1" },
    });
    expect(refund).toMatchObject({ status: "succeeded", amount: 200, payment_intent: id });
    expect(await caught(stripe.refunds.create({ payment_intent: id, amount: 301 }))).toMatchObject({
      statusCode: 400,
    });
    await stripe.refunds.create({ payment_intent: id });
    expect(await caught(stripe.refunds.create({ payment_intent: id }))).toMatchObject({
      code: "charge_already_refunded",
    });
    const { data } = await stripe.refunds.list({ payment_intent: id });
    expect(data.map(({ amount }) => amount)).toEqual([300, 200]);
    const { refunds } = (await (await fetch(`${sandbox.url}/sandbox/refunds`)).json()) as {
      refunds: unknown[];
    };
    expect(refunds).toHaveLength(2);
  });

  test("cancels what is held, not what is firm or done", async () => {
    const held = await charge("sandbox_held");
    expect(held.status).toBe("processing");
    expect(await stripe.paymentIntents.cancel(held.id)).toMatchObject({ status: "canceled" });
    const firm = await charge("sandbox_firm");
    const error = await caught(stripe.paymentIntents.cancel(firm.id));
    expect(error).toMatchObject({ code: "payment_intent_unexpected_state" });
    sandbox.settle();
    expect(await stripe.paymentIntents.retrieve(firm.id)).toMatchObject({ status: "succeeded" });
  });

  test.each(["sandbox_hangs_up", "sandbox_no_answer", "sandbox_silent"])(
    "keeps the money of %s and says nothing",
    async (token) => {
      expect(await caught(charge(token, {}, "k"))).toMatchObject({ type: "StripeConnectionError" });
      expect(await caught(charge(token, {}, "k"))).toMatchObject({ type: "StripeConnectionError" });
      expect(sandbox.charges()).toMatchObject([{ status: "succeeded" }]);
    },
  );

  test("loses the first request of sandbox_lost, and does the second", async () => {
    const metadata = { payment_id: "p1" };
    expect(await caught(charge("sandbox_lost", { metadata }, "k"))).toMatchObject({
      type: "StripeConnectionError",
    });
    expect(sandbox.charges()).toEqual([]);
    expect(await charge("sandbox_lost", { metadata }, "k")).toMatchObject({ status: "succeeded" });
  });

  test("signs its callbacks so that Stripe's own library takes them, and sends them until they are taken", async () => {
    taking = false;
    const { id } = await charge("visa");
    // One of a test before may still be on its way here.
    const ours = () => heard.filter(({ body }) => body.includes(id));
    await eventually(() => ours().length).toBeGreaterThan(1);
    const refused = ours().length;
    taking = true;
    await eventually(() => ours().length).toBeGreaterThan(refused);
    await eventually(() => sandbox.callbacks().delivered).toBeGreaterThan(0);
    const { path, body, headers } = ours().at(-1)!;
    expect(path).toBe("/callbacks/stripe");
    const event = stripe.webhooks.constructEvent(
      body,
      headers["stripe-signature"]!,
      sandboxKeys.stripeSecret,
    );
    expect(event).toMatchObject({ type: "payment_intent.succeeded", data: { object: { id } } });
    expect(() =>
      stripe.webhooks.constructEvent(`${body} `, headers["stripe-signature"]!, sandboxKeys.stripeSecret),
    ).toThrow();
  });

  test("calls back first, twice, or never, as the card says", async () => {
    await charge("sandbox_webhook_first");
    expect(heard).toHaveLength(1);
    await charge("sandbox_webhook_never");
    await charge("sandbox_webhook_twice");
    await eventually(() => heard.length).toBe(3);
    expect(heard[1]?.body).toBe(heard[2]?.body);
    await charge("sandbox_webhook_late");
    await eventually(() => heard.length).toBe(4);
  });

  test("names in its table only cards that a token can name", () => {
    for (const name of Object.keys(cards))
      expect(`pm_card_${name}`).toMatch(/^(pm|tok)_[A-Za-z0-9_]{1,250}$/);
  });
});

describe("as mobile money", () => {
  const request = (phone = "233201234567") => ({
    amount: "12.50",
    currency: "GHS",
    externalId: "o1",
    payer: { partyIdType: "MSISDN", partyId: phone },
  });
  const status = async (id: string) =>
    (await (await momo(`/collection/v1_0/requesttopay/${id}`)).json()) as { status: string; reason?: string };

  test("takes a request under its id once, and tells what became of it with a signed callback", async () => {
    const reference = crypto.randomUUID();
    const path = "/collection/v1_0/requesttopay";
    expect((await momo(path, { reference, body: request() })).status).toBe(202);
    expect((await momo(path, { reference, body: request() })).status).toBe(409);
    await eventually(() => heard.length).toBe(1);
    expect(await status(reference)).toMatchObject({ status: "SUCCESSFUL" });
    const { headers, body } = heard[0]!;
    const key = Buffer.from(sandboxKeys.momoSecret.slice("whsec_".length), "base64");
    const signature = createHmac("sha256", key)
      .update(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`)
      .digest("base64");
    expect(headers["webhook-signature"]).toBe(`v1,${signature}`);
    expect(JSON.parse(body)).toMatchObject({
      type: "requesttopay",
      referenceId: reference,
      status: "SUCCESSFUL",
    });
  });

  test.each([
    ["233200000001", "APPROVAL_REJECTED"],
    ["233200000002", "EXPIRED"],
    ["233200000004", "NOT_ENOUGH_FUNDS"],
  ])("of %s fails: %s", async (phone, reason) => {
    const reference = crypto.randomUUID();
    await momo("/collection/v1_0/requesttopay", { reference, body: request(phone) });
    await eventually(() => status(reference)).toMatchObject({ status: "FAILED", reason });
  });

  test("refuses strangers and nonsense, and knows nothing of what was never asked", async () => {
    const reference = crypto.randomUUID();
    const path = "/collection/v1_0/requesttopay";
    expect((await momo(path, { reference, body: request(), key: "x" })).status).toBe(401);
    expect((await momo(path, { reference: "1", body: request() })).status).toBe(400);
    expect((await momo(path, { reference, body: { ...request(), amount: "-1" } })).status).toBe(400);
    expect((await momo(`${path}/${reference}`)).status).toBe(404);
  });

  test("gives back what was paid, and no more", async () => {
    const reference = crypto.randomUUID();
    await momo("/collection/v1_0/requesttopay", { reference, body: request() });
    await eventually(() => status(reference)).toMatchObject({ status: "SUCCESSFUL" });
    const refund = (amount: string, id: string = crypto.randomUUID()) =>
      momo("/disbursement/v1_0/refund", {
        reference: id,
        body: { amount, currency: "GHS", externalId: "r", referenceIdToRefund: reference },
      });
    expect((await refund("10.00")).status).toBe(202);
    expect((await refund("2.51")).status).toBe(400);
    expect((await refund("2.50")).status).toBe(202);
    await eventually(() => sandbox.refunds().map((it) => it.status)).toEqual(["succeeded", "succeeded"]);
  });
});

test("keeps the newest only, and forgets all when it is reset", async () => {
  await using small = await startPaymentsSandbox({ most: 3 });
  const client = new Stripe(sandboxKeys.stripeKey, { host: "127.0.0.1", port: small.port, protocol: "http" });
  for (let count = 1; count <= 5; count++) {
    await client.paymentIntents.create({
      amount: count,
      currency: "usd",
      confirm: true,
      payment_method: "pm_card_visa",
    });
  }
  expect(small.charges().map(({ amount }) => amount)).toEqual(["3", "4", "5"]);
  await fetch(`${small.url}/sandbox/reset`, { method: "POST" });
  expect(await (await fetch(`${small.url}/sandbox/charges`)).json()).toEqual({ charges: [] });
});

test("a form is read as nested as it was written, and no deeper than is good", () => {
  expect(parseForm("a=1&b[c]=2&b[d][e]=x%20y&f[0]=z")).toEqual({
    a: "1",
    b: { c: "2", d: { e: "x y" } },
    f: { 0: "z" },
  });
  expect(parseForm(`a${"[b]".repeat(50)}=1&__proto__[x]=1&c=2`)).toEqual({ c: "2" });
  expect(({} as { x?: string }).x).toBeUndefined();
});
