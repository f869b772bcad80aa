import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Nats } from "#mesh";
import { connectNats, createLogger } from "#mesh";
import { collectLogs } from "#mesh/testing/logs.ts";
import type { NatsServer } from "#mesh/testing/nats-server.ts";
import { startNatsServer } from "#mesh/testing/nats-server.ts";
import type { Exchange } from "./exchange.ts";
import type { Limiter } from "./limiter.ts";
import { createLimiter } from "./limiter.ts";
import { openExchange } from "./nats-exchange.ts";
import type { LimitPolicy, Window } from "./policy.ts";
import { createLimitPolicy, defaultWindows } from "./policy.ts";

const logs = collectLogs();
const log = createLogger({ service: "test", level: "info", contracts: [], destination: logs });
const shared = [createLimitPolicy("", defaultWindows)];
const only = (window: Window) => [createLimitPolicy("some.Method", [window])];

let server: NatsServer;
const connections: Nats[] = [];
let exchanges: Exchange[] = [];
let limiters: Limiter[] = [];
/** The clock of all limiters; that of the exchange is the real one. */
let nowMs = 0;
let people = 0;

beforeAll(async () => {
  server = await startNatsServer();
  for (const name of ["a", "b"])
    connections.push(await connectNats({ url: server.url, name, log, waitMs: 5000 }));
});

afterAll(async () => {
  for (const it of connections) await it.close();
  await server.stop();
});

const join = (nats: Nats) => {
  const exchange = openExchange({ nats, log });
  exchanges.push(exchange);
  limiters.push(createLimiter({ exchange, now: () => nowMs }));
};

const agree = (count: number) =>
  vi.waitFor(
    () => {
      expect(exchanges.map((it) => it.replicas().count)).toEqual(exchanges.map(() => count));
    },
    { timeout: 10_000, interval: 5 },
  );

beforeEach(async () => {
  people++;
  for (const nats of connections) join(nats);
  await agree(2);
});

afterEach(() => {
  for (const limiter of limiters) limiter.close();
  limiters = [];
  exchanges = [];
});

/** How many of so many requests at once each replica admits. */
async function burst(counts: readonly number[], policies: readonly LimitPolicy[] = shared, factor = 1) {
  const taken = counts.map((count, i) =>
    Array.from({ length: count }, () => limiters[i]!.take(`user:${people}`, policies, factor)),
  );
  const decided = await Promise.all(taken.map((it) => Promise.all(it)));
  await delivered();
  return decided.map((it) => it.filter(({ allowed }) => allowed).length);
}

/** The clock of the limiters jumps: what was sent before must not arrive after. */
async function delivered() {
  if (!connections.every((it) => it.connected())) return;
  for (const { connection } of [...connections, ...connections]) await connection.flush();
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

/** Requests at an even pace for a while, by the limiters' clock; `to` says how many go where. */
async function flood(
  seconds: number,
  perSecond: number,
  to: (i: number) => number[],
  policies: readonly LimitPolicy[],
) {
  const admitted: number[] = [];
  for (let i = 0; i < seconds * perSecond; i++) {
    admitted.push(sum(await burst(to(i), policies)));
    nowMs += 1000 / perSecond;
  }
  return sum(admitted);
}

const inTurn = (i: number) => (i % 2 === 0 ? [1, 0] : [0, 1]);
const atOne = () => [1, 0];
const atBoth = () => [1, 1];

test.each([[[50, 50]], [[50, 0]], [[0, 50]], [[3, 50]], [[50, 5]]])(
  "bursts of %j at two gateways are admitted ten times in all",
  async (counts) => {
    for (let second = 0; second < 5; second++) {
      expect(sum(await burst(counts))).toBe(10);
      nowMs += 1000;
    }
  },
);

test("someone with ten times the limit gets ten times as much", async () => {
  expect(sum(await burst([80, 80], shared, 10))).toBe(100);
});

test.each([
  ["in turn", inTurn],
  ["at one gateway", atOne],
  ["at both at once", atBoth],
])("a flood %s gets 100 per 10 s and 1000 a minute, give or take 5 %%", async (_, to) => {
  const tenSeconds = only({ name: "ten-seconds", requests: 100, seconds: 10 });
  const minute = only({ name: "minute", requests: 1000, seconds: 60 });
  const first = await flood(20, 30, to, tenSeconds);
  expect(first).toBeGreaterThanOrEqual(190);
  expect(first).toBeLessThanOrEqual(200);
  const second = await flood(60, 40, to, minute);
  expect(second).toBeGreaterThanOrEqual(950);
  expect(second).toBeLessThanOrEqual(1000);
});

test("a flood of all three windows at once gets 10 a second, give or take 5 %", async () => {
  for (const to of [inTurn, atOne, atBoth]) {
    const admitted = await flood(20, 25, to, shared);
    expect(admitted).toBeGreaterThanOrEqual(190);
    expect(admitted).toBeLessThanOrEqual(200);
    nowMs += 60_000;
  }
});

test("with the broker killed each goes on alone, and both agree again when it is back", async () => {
  expect(sum(await burst([20, 20]))).toBe(10);
  nowMs += 1000;
  const underWay = Array.from({ length: 16 }, (_, i) => limiters[i % 2]!.take(`user:${people}`, shared, 1));
  await server.crash();
  const decided = await Promise.all(underWay);
  expect(decided.filter(({ allowed }) => allowed).length).toBeGreaterThanOrEqual(10);
  await agree(1);
  nowMs += 1000;
  expect(await burst([20, 20])).toEqual([10, 10]);
  await server.restart();
  await agree(2);
  nowMs += 1000;
  expect(sum(await burst([20, 20]))).toBe(10);
});

test("who leaves is missed at once, and who joins gets a share", async () => {
  limiters.pop()?.close();
  exchanges.pop();
  await agree(1);
  expect(await burst([20])).toEqual([10]);
  nowMs += 1000;
  join(connections[1]!);
  await agree(2);
  expect(sum(await burst([20, 20]))).toBe(10);
});

test("identities cannot be read from what is sent", async () => {
  const seen: string[] = [];
  const listener = connections[0]!.connection.subscribe("weft.gateway.limits.>", {
    callback: (_, { data }) => void seen.push(Buffer.from(data).toString("latin1")),
  });
  await connections[0]!.connection.flush();
  await burst([8, 0]);
  await vi.waitFor(() => expect(seen.length).toBeGreaterThanOrEqual(3));
  listener.unsubscribe();
  expect(seen.join()).not.toContain(`user:${people}`);
});

test("messages that are none are not obeyed, and said once", async () => {
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.alloc(2000, 255),
    Buffer.from("hello"),
    Buffer.from([2, 0, 1, 65]),
  ]) {
    connections[0]!.connection.publish("weft.gateway.limits", bytes);
  }
  await connections[0]!.connection.flush();
  await vi.waitFor(() => expect(logs.text).toContain("is none of ours"));
  expect(sum(await burst([20, 20]))).toBe(10);
});
