import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestMethod } from "../../gateway/contracts/testing/test-file.ts";
import { learnedService } from "./kit/learned.ts";
import type { Platform } from "./kit/platform.ts";
import { ask, startPlatform } from "./kit/platform.ts";

let platform: Platform;
let url: string;
beforeAll(async () => {
  platform = await startPlatform();
  url = platform.url;
}, 60_000);
afterAll(() => platform?.[Symbol.asyncDispose]());

const soon = { timeout: 2000, interval: 20 };
const get = (path: string): TestMethod => ({ http: { get: path }, idempotency: "NO_SIDE_EFFECTS" });
const file = (process: string, methods: Record<string, TestMethod>) => ({
  process,
  package: `${process}.v1`,
  services: { [`${process}Service`]: methods },
});
const statusOf = async (path: string) => (await ask(url, "GET", path)).status;

test("a service that comes is served within two seconds, and one that is gone is 503 and not 404", async () => {
  const shelf = learnedService(file("shelf", { Find: get("/api/v1/shelves/{id}") }), {
    find: ({ id }) => ({ text: `shelf ${id}` }),
  });
  expect(await statusOf("/api/v1/shelves/7")).toBe(404);
  const hosted = await platform.host(shelf);
  await expect.poll(() => statusOf("/api/v1/shelves/7"), soon).toBe(200);
  const found = await ask(url, "GET", "/api/v1/shelves/7");
  expect(found.body.data).toEqual({ text: "shelf 7" });
  const listed = await ask(url, "GET", "/gateway/services");
  expect(JSON.stringify(listed.body.data)).toContain("/api/v1/shelves/{id}");
  await hosted.stop();
  // Calls wait a while for a service that is restarted.
  await expect.poll(() => statusOf("/api/v1/shelves/7"), { timeout: 15_000 }).toBe(503);
  const startedMs = performance.now();
  expect(await statusOf("/api/v1/shelves/7")).toBe(503);
  expect(performance.now() - startedMs).toBeLessThan(2000);
});

test("a changed contract takes the place of the old one, under which what is in flight still ends", async () => {
  const release = Promise.withResolvers<void>();
  const first = learnedService(
    file("lamp", { Light: get("/api/v1/lamps/{id}"), Old: get("/api/v1/lamps/old") }),
    {
      light: async ({ id }) => {
        if (id === "slow") await release.promise;
        return { text: "first" };
      },
    },
  );
  const before = await platform.host(first);
  await expect.poll(() => statusOf("/api/v1/lamps/1"), soon).toBe(200);
  const slow = ask(url, "GET", "/api/v1/lamps/slow");
  await sleep(50);
  const second = learnedService(
    file("lamp", { Light: get("/api/v1/lamps/{id}"), New: get("/api/v1/lamps/new") }),
    {
      light: () => ({ text: "second" }),
      new: () => ({ text: "new" }),
    },
  );
  await platform.host(second);
  const answers = async (path: string) => (await ask(url, "GET", path)).body?.data?.text;
  await expect.poll(() => answers("/api/v1/lamps/new"), soon).toBe("new");
  const stopped = before.stop();
  release.resolve();
  expect((await slow).body.data).toEqual({ text: "first" });
  await stopped;
  expect(await answers("/api/v1/lamps/1")).toBe("second");
});

test("a contract that claims another's path is refused and the rest goes on", async () => {
  await platform.host(
    learnedService(file("fair", { Go: get("/api/v1/fair") }), { go: () => ({ text: "fair" }) }),
  );
  await expect.poll(() => statusOf("/api/v1/fair"), soon).toBe(200);
  await platform.host(
    learnedService(file("thief", { Go: get("/api/v1/fair"), Other: get("/api/v1/thief") }), {}),
  );
  await platform.host(learnedService(file("later", { Go: get("/api/v1/later") }), {}));
  await expect.poll(() => statusOf("/api/v1/later"), soon).toBe(200);
  expect((await ask(url, "GET", "/api/v1/fair")).body.data).toEqual({ text: "fair" });
  expect(await statusOf("/api/v1/thief")).toBe(404);
  const refused = platform.logs.lines.find(
    (it) => JSON.stringify(it).includes("thief") && it.level !== "info",
  );
  expect(JSON.stringify(refused)).toContain("/api/v1/fair");
});
