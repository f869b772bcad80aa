import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Hosted } from "#mesh";
import { hostService, loadServiceKey } from "#mesh";
import { tokenCredentials } from "#mesh/client/network.ts";
import { workerContract } from "./kit/contract.ts";
import type { Issuer } from "./kit/issuer.ts";
import { createIssuer, makeServiceKey } from "./kit/issuer.ts";
import { failed, startLoad } from "./kit/load.ts";
import type { Mesh } from "./kit/mesh.ts";
import { openMesh } from "./kit/mesh.ts";
import { note } from "./kit/note.ts";
import { until } from "./kit/until.ts";
import type { Worker } from "./kit/workers.ts";

let mesh: Mesh;
let issuer: Issuer;
let security: Hosted;
let keyEnv: Record<string, string>;
beforeAll(async () => {
  mesh = await openMesh();
  issuer = await createIssuer();
  security = await hostService(issuer.definition, { env: mesh.env });
  keyEnv = await makeServiceKey(mesh.folder, "caller");
  await until(() => mesh.directory.instances("security").length === 1);
});
afterAll(async () => {
  await security.stop();
  await mesh[Symbol.asyncDispose]();
});

const failure = (work: Promise<unknown>): Promise<ConnectError> =>
  work.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => ConnectError.from(error),
  );

describe("a call that goes through four services", { timeout: 60_000 }, () => {
  const names = ["first", "second", "third", "fourth"];
  let workers: Worker[];
  beforeAll(async () => {
    const start = (service: string, i: number) => {
      const next = names[i + 1];
      return mesh.start(service, { env: keyEnv, ...(next !== undefined && { next }) });
    };
    workers = await Promise.all(names.map(start));
    // Connections are made and tokens fetched.
    workers[3]?.set({ relays: true });
    const client = mesh.client("first");
    for (let i = 0; i < 10; i++) await client.relay({}, { timeoutMs: 5000 });
    workers[3]?.set({});
  });

  /** How much later than the deadline the last of them may notice, on a machine that does other things too. */
  const lateMs = 400;

  test("is over in all four when its 100 ms are", async () => {
    const before = await Promise.all(workers.map((it) => it.report()));
    const startedAt = Date.now();
    const error = await failure(mesh.client("first").relay({}, { timeoutMs: 100 }));
    const tookMs = Date.now() - startedAt;
    expect(error.code).toBe(Code.DeadlineExceeded);
    expect(tookMs).toBeGreaterThanOrEqual(95);
    expect(tookMs).toBeLessThan(100 + lateMs);

    const allOver = async () =>
      (await Promise.all(workers.map((it) => it.report()))).every((it) => it.running === 0);
    await until(allOver, 2000);
    const after = await Promise.all(workers.map((it) => it.report()));
    const endedMs = after.map(({ endedAt }, i) => {
      expect(endedAt.length).toBe((before[i]?.endedAt.length ?? 0) + 1);
      return (endedAt.at(-1) ?? 0) - startedAt;
    });
    for (const ended of endedMs) expect(ended).toBeLessThan(100 + lateMs);

    await sleep(200);
    const later = await Promise.all(workers.map((it) => it.report()));
    expect(later.map(({ steps }) => steps)).toEqual(after.map(({ steps }) => steps));
    note({ chain: { tookMs, endedMs } });
  });

  test("is over in all four when its caller gives it up", async () => {
    const givenUp = new AbortController();
    const startedAt = Date.now();
    const failing = failure(mesh.client("first").relay({}, { timeoutMs: 10_000, signal: givenUp.signal }));
    await until(async () => (await workers[3]?.report())?.running === 1);
    givenUp.abort();
    expect((await failing).code).toBe(Code.Canceled);
    const abortedMs = Date.now() - startedAt;
    const allOver = async () =>
      (await Promise.all(workers.map((it) => it.report()))).every((it) => it.running === 0);
    expect(await until(allOver, 2000)).toBeLessThan(lateMs);
    note({ givenUp: { abortedMs } });
  });
});

test("the issuer's key changes while calls are made, and none fails", async () => {
  await mesh.startAll("guarded", 2);
  const key = await loadServiceKey("caller", keyEnv.WEFT_SERVICE_KEY_FILE ?? "");
  const client = mesh.network({ credentials: tokenCredentials(key) }).client(workerContract("guarded"));
  const denied = await failure(mesh.client("guarded").guarded({}));
  expect(denied.code).toBe(Code.Unauthenticated);

  const before = issuer.issued().length;
  const load = startLoad(200, () => client.guarded({}, { timeoutMs: 2000 }));
  await sleep(1500);
  await issuer.rotate();
  // Who asked for the keys asks again after five seconds at the earliest, which is why keys are published ahead.
  await sleep(5500);
  await issuer.rotate();
  await sleep(2500);
  await load.stop();
  expect(failed(load.fates)).toEqual([]);
  expect(load.fates.length).toBeGreaterThan(1000);
  const issued = issuer.issued();
  expect(issued.length).toBe(before + 2);
  // The one that follows has not signed yet, all before it have.
  expect(issued.slice(0, -1).every((count) => count > 0)).toBe(true);
  note({ keys: { calls: load.fates.length, issued } });
}, 60_000);
