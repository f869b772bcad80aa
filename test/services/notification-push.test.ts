import { afterAll, beforeAll, expect, test } from "vitest";
import { Channel } from "#gen/notification/v1/notification_pb.js";
import { refusal } from "./kit.ts";
import type { NotificationWorld } from "./notification-world.ts";
import { createNotificationWorld } from "./notification-world.ts";

const { PUSH } = Channel;

let world: NotificationWorld;
beforeAll(async () => {
  world = await createNotificationWorld();
}, 60_000);
afterAll(() => world?.[Symbol.asyncDispose]());

/** What `pushManager.subscribe()` does in a page. */
async function browserFor(applicationServerKey: string) {
  const response = await fetch(`${world.sandbox.url}/sandbox/browsers`, {
    method: "POST",
    body: JSON.stringify({ applicationServerKey }),
  });
  const { id, endpoint, keys } = (await response.json()) as {
    id: string;
    endpoint: string;
    keys: { p256dh: string; auth: string };
  };
  return { id, subscription: { endpoint, ...keys } };
}

test("a message goes through a push service to browsers that can read it, until one is gone", async () => {
  const ama = world.person();
  const mine = world.of(ama);
  const { publicKey } = await mine.getPushKey({});
  const [laptop, phone] = [await browserFor(publicKey), await browserFor(publicKey)];
  for (const { subscription } of [laptop, phone]) await mine.subscribe(subscription);

  const send = async () =>
    (await world.send(ama, { channels: [PUSH], link: "/orders/7" })).notification?.id ?? "";
  await world.becomes(await send(), ["PUSH SENT"]);
  for (const { subscription } of [laptop, phone]) {
    expect(world.sandbox.messages(subscription.endpoint)).toMatchObject([
      { channel: "push", subject: "Hello 🧺", text: "How is كل شيء?", link: "/orders/7" },
    ]);
  }

  await fetch(`${world.sandbox.url}/sandbox/browsers/${laptop.id}`, { method: "DELETE" });
  await world.becomes(await send(), ["PUSH SENT"]);
  expect(world.sandbox.messages(phone.subscription.endpoint)).toHaveLength(2);
  const left = await world.sql`select endpoint from push_subscriptions where user_id = ${ama.id}`;
  expect(left.map(({ endpoint }) => endpoint)).toEqual([phone.subscription.endpoint]);
});

test("a browser that listens to another key refuses, and its user is not reached", async () => {
  const ama = world.person();
  const { subscription } = await browserFor("BPanotherKey");
  await world.of(ama).subscribe(subscription);
  const { notification } = await world.send(ama, { channels: [PUSH] });
  await world.becomes(notification?.id ?? "", ["PUSH FAILED rejected"], 500);
  expect(world.sandbox.messages(subscription.endpoint)).toEqual([]);
});

test("what is near a push service of one's own is none", async () => {
  const mine = world.of(world.person());
  const { subscription } = await browserFor("");
  const { port } = new URL(subscription.endpoint);
  for (const endpoint of [
    `http://127.0.0.1:${Number(port) + 1}/push/1`,
    `http://localhost:${port}/push/1`,
    `https://127.0.0.1:${port}/push/1`,
    `http://user:word@127.0.0.1:${port}/push/1`,
  ]) {
    expect([endpoint, await refusal(mine.subscribe({ ...subscription, endpoint }))]).toMatchObject([
      endpoint,
      { reason: "push_endpoint_refused" },
    ]);
  }
});
