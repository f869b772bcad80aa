import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { learnedService } from "./kit/learned.ts";
import type { Platform } from "./kit/platform.ts";
import { ask, register, startPlatform } from "./kit/platform.ts";

/** What the service did, by what it was asked. */
const done: string[] = [];
const signedIn = { access: { signedIn: true } };
const shop = learnedService(
  {
    process: "shop",
    package: "shop.v1",
    services: {
      ShopService: {
        Menu: {
          http: { get: "/api/v1/menu/{id}" },
          idempotency: "NO_SIDE_EFFECTS",
          options: {
            access: { public: true },
            cache: { maxAge: "30s", staleIfError: "60s", invalidatedBy: ["menu.changed"] },
          },
        },
        Mine: {
          http: { get: "/api/v1/mine" },
          idempotency: "NO_SIDE_EFFECTS",
          options: { ...signedIn, cache: { maxAge: "30s" } },
        },
        Pay: { http: { post: "/api/v1/pay", body: "*" }, options: signedIn },
      },
    },
  },
  {
    menu: ({ id }) => ({ text: `menu ${id} ${done.push("menu")}` }),
    mine: (_request, { caller }) => ({ text: `${caller.user?.email} ${done.push("mine")}` }),
    pay: async ({ text }) => {
      if (text === "slow") await new Promise((resolve) => setTimeout(resolve, 300));
      if (text === "dear") throw new Error("no");
      return { text: `paid ${text} ${done.push(`pay ${text}`)}` };
    },
  },
);

let platform: Platform;
let [ada, ben] = ["", ""];
beforeAll(async () => {
  platform = await startPlatform({ services: [shop], gateways: 2 });
  const token = async (email: string) => (await register(platform.url, email)).body.data.session.access_token;
  [ada, ben] = await Promise.all([token("ada@example.com"), token("ben@example.com")]);
}, 60_000);
afterAll(() => platform?.[Symbol.asyncDispose]());

const times = (what: string) => done.filter((it) => it === what).length;
const menu = (url: string, id: string) => ask(url, "GET", `/api/v1/menu/${id}`);
const pay = (url: string, text: string, key: string, token = ada) =>
  ask(url, "POST", "/api/v1/pay", { token, body: { text }, headers: { "idempotency-key": key } });

test("an answer is kept as its contract says, until an event ends it", async () => {
  const state = async () => (await menu(platform.url, "1")).headers.get("x-cache");
  // The first one of all has to wait until the gateway hears of events.
  await expect.poll(state).toBe("HIT");
  const first = await menu(platform.url, "1");
  expect((await menu(platform.url, "1")).body.data).toEqual(first.body.data);
  const { connect: connectNats } = await import("@nats-io/transport-node");
  const nats = await connectNats({ servers: platform.nats.url });
  nats.publish("events.menu.changed");
  await nats.drain();
  await expect
    .poll(async () => (await menu(platform.url, "1")).body.data.text)
    .not.toBe(first.body.data.text);
});

test("an answer for one user is never given to another", async () => {
  const mine = async (token: string) =>
    (await ask(platform.url, "GET", "/api/v1/mine", { token })).body.data.text;
  const first = await mine(ada);
  expect([await mine(ada), await mine(ben)]).toEqual([first, expect.stringContaining("ben@example.com")]);
  expect((await ask(platform.url, "GET", "/api/v1/mine")).status).toBe(401);
});

test("a request with a key is made once, at whichever gateway it arrives again", async () => {
  const [here = "", there = ""] = platform.urls;
  const first = await pay(here, "ten", "key-1");
  const again = await pay(there, "ten", "key-1");
  expect([first.status, again.status]).toEqual([200, 200]);
  expect(again.body.data).toEqual(first.body.data);
  expect(again.headers.get("idempotent-replayed")).toBe("true");
  expect(times("pay ten")).toBe(1);
  expect((await pay(here, "twenty", "key-1")).status).toBe(422);
  const other = await pay(there, "ten", "key-1", ben);
  expect([other.status, times("pay ten")]).toEqual([200, 2]);
});

test("of two at once one is made and the other told to wait", async () => {
  const [here = "", there = ""] = platform.urls;
  const answers = await Promise.all([pay(here, "slow", "key-2"), pay(there, "slow", "key-2")]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  expect(times("pay slow")).toBe(1);
});

test("who hangs up and asks again with the same key has paid once", async () => {
  const { hostname, port } = new URL(platform.url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  const before = times("pay slow");
  const body = '{"text":"slow"}';
  socket.write(
    `POST /api/v1/pay HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ada}\r\nidempotency-key: key-3\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await new Promise((resolve) => setTimeout(resolve, 100));
  socket.destroy();
  const status = async () => (await pay(platform.url, "slow", "key-3")).status;
  await expect.poll(status, { timeout: 5000 }).toBe(200);
  expect(times("pay slow") - before).toBe(1);
});

test("a failure is not kept, so the same key may try again", async () => {
  expect((await pay(platform.url, "dear", "key-4")).status).toBe(500);
  expect((await pay(platform.url, "dear", "key-4")).status).toBe(500);
});

test("while the service is away, what was kept is better than nothing", async () => {
  const kept = await menu(platform.url, "9");
  await platform.hosted.get("shop")?.stop();
  const stale = await ask(platform.url, "GET", "/api/v1/menu/9", {
    headers: { "cache-control": "no-cache" },
  });
  expect([stale.status, stale.headers.get("x-cache"), stale.body.data]).toEqual([
    200,
    "STALE",
    kept.body.data,
  ]);
  const posted = await pay(platform.url, "late", "key-5");
  expect(posted.status).toBe(503);
});
