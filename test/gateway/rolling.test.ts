import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { TestMethod } from "../../gateway/contracts/testing/test-file.ts";
import type { GatewayProcess } from "./kit/gateway-process.ts";
import { serveGateway } from "./kit/gateway-process.ts";
import { learnedService } from "./kit/learned.ts";
import { ask } from "./kit/platform.ts";
import type { SmallPlatform } from "./kit/small-platform.ts";
import { isServed, startSmallPlatform } from "./kit/small-platform.ts";
import { failuresIn, startSteadyLoad } from "./kit/steady-load.ts";

const perSecond = 120;
/** Others may have the machine at the same time. */
const soon = { timeout: 10_000, interval: 20 };
let platform: SmallPlatform;
let gateway: GatewayProcess;
beforeAll(async () => {
  platform = await startSmallPlatform({ gateways: 0 });
  gateway = await serveGateway(platform, { GATEWAY_RATE_LIMITS: "false" });
}, 60_000);
afterAll(() => platform?.[Symbol.asyncDispose]());

const methodsOf = (path: string): Record<string, TestMethod> => ({
  Look: { http: { get: path }, idempotency: "NO_SIDE_EFFECTS" },
  Change: { http: { post: path, body: "*" } },
});

/** A service whose every answer takes a moment, says which edition it is of, and is counted. */
function edition(name: string, text: string, more: Record<string, TestMethod> = {}) {
  const counts = { made: 0 };
  const work = async () => {
    await sleep(20);
    counts.made++;
    return { text };
  };
  const contract = {
    process: name,
    package: `${name}.v1`,
    services: { [`${name}Service`]: { ...methodsOf(`/api/v1/${name}/{id}`), ...more } },
  };
  return { counts, service: learnedService(contract, { look: work, change: work, extra: work }) };
}

test("a service is rolled several times under load, and no request fails", async () => {
  const first = edition("rolled", "0");
  let running = await platform.host(first.service);
  await isServed(gateway.url, "/api/v1/rolled/1");
  const load = startSteadyLoad(() => `${gateway.url}/api/v1/rolled/1`, perSecond);
  const has = (text: string) => load.fates.some((it) => it.text.includes(`"text":"${text}"`));
  const editions = [first];
  await vi.waitFor(() => expect(has("0")).toBe(true), soon);
  for (let roll = 1; roll <= 3; roll++) {
    const next = edition("rolled", String(roll));
    editions.push(next);
    const before = running;
    running = await platform.host(next.service);
    await before.stop();
    await vi.waitFor(() => expect(has(String(roll))).toBe(true), soon);
  }
  const fates = await load.stop();
  expect(failuresIn(fates)).toEqual([]);
  // Each was made once: none was tried again after it had been begun.
  expect(editions.reduce((sum, { counts }) => sum + counts.made, 0)).toBe(fates.length);
});

test("a service is rolled to a changed contract and back under load, and no request fails", async () => {
  const { url } = gateway;
  const extra = { Extra: { http: { get: "/api/v1/changed/{id}/extra" } } };
  const before = await platform.host(edition("changed", "old").service);
  await isServed(url, "/api/v1/changed/1");
  const load = startSteadyLoad(() => `${url}/api/v1/changed/1`, perSecond);
  const statusOf = async () => (await ask(url, "GET", "/api/v1/changed/1/extra")).status;
  expect(await statusOf()).toBe(404);
  const after = await platform.host(edition("changed", "new", extra).service);
  await before.stop();
  await vi.waitFor(async () => expect(await statusOf()).toBe(200), soon);
  await sleep(200);
  await platform.host(edition("changed", "old again").service);
  await after.stop();
  const answers = () => load.fates.slice(-4).every(({ text }) => text.includes("old again"));
  await vi.waitFor(() => expect(answers()).toBe(true), soon);
  await vi.waitFor(async () => expect(await statusOf()).toBe(404), soon);
  expect(failuresIn(await load.stop())).toEqual([]);
});

/** Two gateways, of which one leaves under load; `balance` says which to ask once it is leaving. */
async function leave(name: string, env: Record<string, string>, untilMoved: (url: string) => Promise<void>) {
  const { counts, service } = edition(name, "here");
  await platform.host(service);
  const leaving = await serveGateway(platform, { GATEWAY_RATE_LIMITS: "false", ...env });
  for (const { url } of [leaving, gateway]) await isServed(url, `/api/v1/${name}/1`);
  let { url } = leaving;
  const load = startSteadyLoad(() => `${url}/api/v1/${name}/1`, perSecond);
  await vi.waitFor(() => expect(load.fates.length).toBeGreaterThan(30), soon);
  const stopped = leaving.stop();
  await untilMoved(url);
  url = gateway.url;
  expect(await stopped).toBe(0);
  await sleep(200);
  const fates = await load.stop();
  return { fates, made: counts.made };
}

test("a gateway that leaves under load, watched by a balancer, fails no request", async () => {
  const { fates, made } = await leave("watched", { SHUTDOWN_DELAY: "500ms" }, async (url) => {
    while ((await ask(url, "GET", "/health/ready")).status === 200) await sleep(10);
  });
  expect(failuresIn(fates)).toEqual([]);
  expect(made).toBe(fates.length);
});

test("a gateway that leaves at once answers every request that it took", async () => {
  const { fates, made } = await leave("abrupt", {}, () => sleep(30));
  const lost = fates.filter(({ status }) => status !== 200);
  // What is in flight is finished; the rest was never begun, so that whoever sent it may do so again.
  expect(made).toBe(fates.length - lost.length);
  const unsent = /ECONNREFUSED/;
  expect(lost.filter(({ text }) => !unsent.test(text))).toEqual([]);
  // Connections that were busy were told not to be used again.
  expect(fates.some(({ status, closing }) => status === 200 && closing)).toBe(true);
});
