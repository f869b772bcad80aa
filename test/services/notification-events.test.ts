import { createECDH, randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import webPush from "web-push";
import { ThresholdReachedSchema } from "#gen/analytics/v1/events_pb.js";
import { Channel } from "#gen/notification/v1/notification_pb.js";
import { OrderStatusUpdatedSchema } from "#gen/order/v1/events_pb.js";
import { OrderStatus } from "#gen/order/v1/order_pb.js";
import { PaymentRefundedSchema } from "#gen/payment/v1/events_pb.js";
import { ProductStockUpdatedSchema } from "#gen/product/v1/events_pb.js";
import { SecurityAlertSchema } from "#gen/security/v1/events_pb.js";
import { UserDeletedSchema } from "#gen/user/v1/events_pb.js";
import type { UserIdentity } from "#mesh";
import { newId } from "#mesh";
import type { PushAnswer, PushRequest } from "../../services/notification/providers/push-post.ts";
import type { NotificationWorld } from "./notification-world.ts";
import { createNotificationWorld, eventually, refusal, userWith, words } from "./notification-world.ts";

const { EMAIL, PUSH, IN_APP } = Channel;
const vapid = webPush.generateVAPIDKeys();
const pushed: PushRequest[] = [];
/** What the push service says to an endpoint. */
let answers: Record<string, () => PushAnswer> = {};

let world: NotificationWorld;
beforeAll(async () => {
  world = await createNotificationWorld({
    env: {
      NOTIFICATION_VAPID_PUBLIC_KEY: vapid.publicKey,
      NOTIFICATION_VAPID_PRIVATE_KEY: vapid.privateKey,
    },
    postPush: async (request) => {
      pushed.push(request);
      return answers[request.endpoint]?.() ?? { status: 201, text: "" };
    },
  });
});
beforeEach(() => {
  answers = {};
  pushed.length = 0;
});
afterEach(() => world.sandbox.reset());
afterAll(() => world[Symbol.asyncDispose]());

const subjects = async (user: UserIdentity) => (await world.list(user)).map(({ subject }) => subject);

describe("what happens elsewhere", () => {
  const orderIs = (customer: UserIdentity, status: OrderStatus, orderId = newId()) =>
    world.tell.order(OrderStatusUpdatedSchema, {
      orderId,
      orderNumber: `W-${orderId.slice(-6)}`,
      customerId: customer.id,
      sellerId: newId(),
      status,
      total: { currency: "GHS", minorUnits: 18_505n },
    });

  test("is told to the customer of an order, once for each end", async () => {
    const ama = world.person({ locale: "en-GH" });
    const orderId = newId();
    await orderIs(ama, OrderStatus.PAID, orderId);
    await eventually(() => subjects(ama)).toEqual(["Your order is confirmed"]);
    await orderIs(ama, OrderStatus.PAID, orderId);
    await orderIs(ama, OrderStatus.SHIPPED, orderId);
    await orderIs(ama, OrderStatus.REFUNDED, orderId);
    await eventually(() => subjects(ama)).toEqual(["Your order was refunded", "Your order is confirmed"]);
    await eventually(() => world.mails(ama).length).toBe(2);
    const mail = world.mails(ama).find(({ subject }) => subject === "Your order is confirmed");
    expect(mail?.text).toContain(`for order W-${orderId.slice(-6)}.`);
    expect(mail?.text).toMatch(/GH₵\s?185\.05/);
    expect((await world.list(ama))[0]?.link).toBe(`/orders/${orderId}`);
  });

  test("is told in French to who reads French", async () => {
    const aya = world.person({ locale: "fr-CI" });
    await orderIs(aya, OrderStatus.FAILED);
    await orderIs(aya, OrderStatus.CANCELLED);
    await eventually(async () => (await subjects(aya)).sort()).toEqual([
      "Votre commande est annulée",
      "Votre commande n’a pas abouti",
    ]);
  });

  test("is not told again of an order that was refused to its face", async () => {
    const ama = world.person();
    const refused = { customerId: ama.id, status: OrderStatus.FAILED, answered: true };
    await world.tell.order(OrderStatusUpdatedSchema, { ...refused, orderId: newId() });
    await orderIs(ama, OrderStatus.PAID);
    await eventually(() => subjects(ama)).toEqual(["Your order is confirmed"]);
  });

  test("is told of a part of the money that goes back; of all of it the order tells", async () => {
    const ama = world.person();
    const amount = { currency: "GHS", minorUnits: 700n };
    const part = { orderId: newId(), orderNumber: "W-7", customerId: ama.id, amount };
    await world.tell.payment(PaymentRefundedSchema, { ...part, refundId: newId(), inFull: true });
    await world.tell.payment(PaymentRefundedSchema, { ...part, refundId: newId() });
    await eventually(() => subjects(ama)).toEqual([
      expect.stringMatching(/^(GH₵|GHS)\s?7\.00 go back to you$/),
    ]);
    expect((await world.list(ama))[0]?.text).toContain("for order W-7, ");
  });

  test("is told to a seller whose stock became low", async () => {
    const kofi = world.person();
    const productId = newId();
    const stock = { productId, variantId: newId(), sellerId: kofi.id };
    await world.tell.product(ProductStockUpdatedSchema, { ...stock, available: 9 });
    const low = { ...stock, becameLow: true, productName: "Clay <pot>" };
    await world.tell.product(ProductStockUpdatedSchema, { ...low, available: 2 });
    await eventually(() => subjects(kofi)).toEqual(["Clay <pot> runs low"]);
    expect((await world.list(kofi))[0]?.text).toBe("Only 2 are left of Clay <pot>.");
    await eventually(() => world.mails(kofi).map(({ html }) => html)).toEqual([
      expect.stringContaining("are left of Clay &lt;pot&gt;."),
    ]);
    await world.tell.product(ProductStockUpdatedSchema, { ...low, available: 1, variantName: "small" });
    await eventually(() => subjects(kofi)).toEqual(["Clay <pot>, small runs low", "Clay <pot> runs low"]);
  });

  test("is told by ids where an event of an older service has no names", async () => {
    const [ama, productId, orderId] = [world.person({ locale: "fr" }), newId(), newId()];
    const low = { productId, variantId: newId(), sellerId: ama.id, available: 2, becameLow: true };
    await world.tell.product(ProductStockUpdatedSchema, low);
    await world.tell.order(OrderStatusUpdatedSchema, {
      orderId,
      customerId: ama.id,
      status: OrderStatus.PAID,
    });
    await eventually(async () => (await world.list(ama)).map(({ text }) => text).sort()).toEqual([
      `Il ne reste que 2 pièces de « ${productId} ».`,
      expect.stringContaining(`pour la commande ${orderId}.`),
    ]);
  });

  test("is told to who wanted to hear of a figure", async () => {
    const kofi = world.person({ locale: "fr" });
    const reached = {
      ownerId: kofi.id,
      name: "Bonne journée",
      metric: "orders_paid",
      value: 1234.5,
      limit: 1000,
    };
    await world.tell.analytics(ThresholdReachedSchema, { ...reached, thresholdId: newId() });
    await eventually(() => subjects(kofi)).toEqual(["Bonne journée"]);
    expect((await world.list(kofi))[0]?.text).toMatch(
      /^orders_paid est à 1\s234,5 ; vous vouliez l’apprendre à 1\s000\.$/,
    );
  });

  test("is told of a figure that is a sum of money in its currency", async () => {
    const kofi = world.person({ locale: "en" });
    const reached = { ownerId: kofi.id, name: "Rent", metric: "orders_paid", currency: "GHS" };
    const figures = { value: 123_456, limit: 100_000.4 };
    await world.tell.analytics(ThresholdReachedSchema, { ...reached, ...figures, thresholdId: newId() });
    await eventually(() => subjects(kofi)).toEqual(["Rent"]);
    expect((await world.list(kofi))[0]?.text).toMatch(
      /^orders_paid is at GHS\s1,234\.56; you asked to hear of GHS\s1,000\.00\.$/,
    );
  });

  test("is told at once when an account is attacked, whatever its user wishes", async () => {
    const ama = world.person();
    await world.preferences(ama).setTopic({ topic: { topic: "default", channels: [] } });
    await world.tell.security(SecurityAlertSchema, {
      threatId: newId(),
      userId: ama.id,
      description: "50 wrong passwords",
      occurrences: 50,
    });
    await world.tell.security(SecurityAlertSchema, { threatId: newId(), description: "nobody's" });
    await eventually(() => world.mails(ama).map(({ text }) => text)).toEqual([
      expect.stringContaining("50 wrong passwords"),
    ]);
  });

  test("of an account that is gone leaves nothing of it, and nothing comes after", async () => {
    const ama = world.person();
    await world.send(ama, { channels: [IN_APP, EMAIL] });
    await world.preferences(ama).setTopic({ topic: { topic: "news", channels: [IN_APP] } });
    await world.tell.user(UserDeletedSchema, { userId: ama.id });
    await eventually(() => subjects(ama)).toEqual([]);
    for (const table of ["notifications", "deliveries", "topic_preferences", "push_subscriptions"]) {
      expect(await world.sql`select 1 from ${world.sql(table)} where user_id = ${ama.id}`).toEqual([]);
    }
    expect(await refusal(world.send(ama))).toMatchObject({ reason: "recipient_not_found" });
    const kofi = world.person();
    await orderIs(userWith(), OrderStatus.PAID);
    await orderIs(kofi, OrderStatus.PAID);
    await eventually(() => subjects(kofi)).toEqual(["Your order is confirmed"]);
  });
});

describe("the stream", () => {
  /** Reads a stream in the background. */
  const follow = (user: UserIdentity, lastEventId = "") => {
    const ends = new AbortController();
    const seen: { eventId: string; subject: string }[] = [];
    const over = (async () => {
      const stream = world.of(user).streamNotifications({ lastEventId }, { signal: ends.signal });
      for await (const { eventId, notification } of stream) {
        seen.push({ eventId, subject: notification?.subject ?? "" });
      }
    })().catch((error: unknown) => error);
    return {
      seen,
      subjects: () => seen.map(({ subject }) => subject),
      stop: async () => {
        ends.abort();
        return over;
      },
    };
  };
  const add = (user: UserIdentity, subject: string) =>
    world.send(user, { channels: [IN_APP], content: words(subject) });

  test("begins after the last one seen, and goes on with what comes", async () => {
    const ama = world.person();
    for (const subject of ["1", "2", "3"]) await add(ama, subject);
    const first = follow(ama, "0");
    await eventually(first.subjects).toEqual(["1", "2", "3"]);
    const second = follow(ama, first.seen[0]!.eventId);
    await eventually(second.subjects).toEqual(["2", "3"]);
    await add(ama, "4");
    await add(world.person(), "not hers");
    await eventually(first.subjects).toEqual(["1", "2", "3", "4"]);
    await eventually(second.subjects).toEqual(["2", "3", "4"]);
    await first.stop();
    await second.stop();
  });

  test("loses nothing and brings nothing twice while many send at once and readers come and go", async () => {
    const ama = world.person();
    const all = Array.from({ length: 60 }, (_, at) => `${at}`);
    const whole = follow(ama, "0");
    const sending = Promise.all(all.map((subject) => add(ama, subject)));
    const pieces: string[] = [];
    let last = "0";
    while (pieces.length < all.length) {
      const before = pieces.length;
      const part = follow(ama, last);
      await eventually(() => part.seen.length).toBeGreaterThan(0);
      await part.stop();
      pieces.push(...part.subjects());
      last = part.seen.at(-1)!.eventId;
      expect(pieces.length).toBeGreaterThan(before);
    }
    await sending;
    await eventually(() => whole.seen.length).toBe(all.length);
    expect([...pieces].sort()).toEqual([...all].sort());
    expect(whole.subjects()).toEqual(pieces);
    await whole.stop();
  });

  test("refuses an id that it never gave", async () => {
    const read = async () => {
      for await (const _ of world.of(world.person()).streamNotifications({ lastEventId: "x" }));
    };
    expect(await refusal(read())).toMatchObject({ reason: "bad_last_event_id" });
  });
});

describe("push messages", () => {
  const browser = (endpoint = `https://push.example.com/${randomBytes(8).toString("hex")}`) => {
    const keys = createECDH("prime256v1");
    keys.generateKeys();
    return {
      endpoint,
      p256dh: keys.getPublicKey().toString("base64url"),
      auth: randomBytes(16).toString("base64url"),
    };
  };
  const send = async (user: UserIdentity) => (await world.send(user, { channels: [PUSH] })).notification!.id;

  test("go encrypted to each browser of a user", async () => {
    const ama = world.person();
    const mine = world.of(ama);
    expect(await mine.getPushKey({})).toMatchObject({ publicKey: vapid.publicKey });
    const [one, two] = [browser(), browser()];
    await mine.subscribe(one);
    await mine.subscribe(two);
    await world.becomes(await send(ama), ["PUSH SENT"]);
    expect(pushed.map(({ endpoint }) => endpoint).sort()).toEqual([one.endpoint, two.endpoint].sort());
    for (const { headers, body } of pushed) {
      expect(headers).toMatchObject({ "Content-Encoding": "aes128gcm" });
      expect(String(headers.Authorization)).toMatch(/^vapid t=/);
      expect(body.toString("latin1")).not.toContain("Hello");
    }
  });

  test("stop for a browser that is gone", async () => {
    const ama = world.person();
    const [gone, there] = [browser(), browser()];
    await world.of(ama).subscribe(gone);
    await world.of(ama).subscribe(there);
    answers[gone.endpoint] = () => ({ status: 410, text: "gone" });
    await world.becomes(await send(ama), ["PUSH SENT"]);
    answers[there.endpoint] = () => ({ status: 404, text: "" });
    await world.becomes(await send(ama), ["PUSH SKIPPED no_address"]);
    expect(pushed.filter(({ endpoint }) => endpoint === gone.endpoint)).toHaveLength(1);
    expect(await world.sql`select 1 from push_subscriptions where user_id = ${ama.id}`).toEqual([]);
  });

  test("are tried again when the push service is busy", async () => {
    const ama = world.person();
    const busy = browser();
    await world.of(ama).subscribe(busy);
    let tries = 0;
    answers[busy.endpoint] = () => ({ status: ++tries < 3 ? 429 : 201, text: "" });
    await world.becomes(await send(ama), ["PUSH SENT"], 500);
    expect(tries).toBe(3);
  });

  test("go to no address of this network, and to no keys that are none", async () => {
    const mine = world.of(world.person());
    for (const host of [
      "127.0.0.1",
      "[::1]",
      "10.1.2.3",
      "169.254.169.254",
      "localhost",
      "queue",
      "a.internal",
    ]) {
      const refused = refusal(mine.subscribe(browser(`https://${host}/push`)));
      expect([host, await refused]).toMatchObject([host, { reason: "push_endpoint_refused" }]);
    }
    expect(await refusal(mine.subscribe(browser("http://push.example.com/1")))).toMatchObject({
      code: "InvalidArgument",
    });
    const offCurve = Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 1)]).toString("base64url");
    expect(await refusal(mine.subscribe({ ...browser(), p256dh: offCurve }))).toMatchObject({
      reason: "push_keys_invalid",
    });
  });

  test("end with the subscription, which is nobody else's to end", async () => {
    const [ama, kofi] = [world.person(), world.person()];
    const { id } = await world.of(ama).subscribe(browser());
    expect(await refusal(world.of(kofi).unsubscribe({ id }))).toMatchObject({
      reason: "push_subscription_not_found",
    });
    await world.of(ama).unsubscribe({ id });
    await world.becomes(await send(ama), ["PUSH SKIPPED no_address"]);
  });

  test("follow whoever signed in last in a browser", async () => {
    const [ama, kofi] = [world.person(), world.person()];
    const shared = browser();
    await world.of(ama).subscribe(shared);
    await world.of(kofi).subscribe(shared);
    await world.becomes(await send(ama), ["PUSH SKIPPED no_address"]);
    await world.becomes(await send(kofi), ["PUSH SENT"]);
  });
});
