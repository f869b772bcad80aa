import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createStaticDirectory } from "#mesh/discovery/static-directory.ts";
import { freePort } from "#mesh/testing/free-port.ts";
import type { WorkerContract } from "./kit/contract.ts";
import { workerContract } from "./kit/contract.ts";
import { createLane } from "./kit/lane.ts";
import { failed, longestMs, startLoad } from "./kit/load.ts";
import type { Mesh, StartOptions } from "./kit/mesh.ts";
import { openMesh } from "./kit/mesh.ts";
import { note } from "./kit/note.ts";
import { until } from "./kit/until.ts";
import type { Worker } from "./kit/workers.ts";

const timeoutMs = 2000;
const perSecond = 300;

let mesh: Mesh;
beforeAll(async () => {
  mesh = await openMesh();
});
afterAll(() => mesh[Symbol.asyncDispose]());

/** Every other call is of a method that may not be repeated. */
const both = (client: Client<WorkerContract>) =>
  startLoad(perSecond, (n) => (n % 2 ? client.change({}, { timeoutMs }) : client.look({}, { timeoutMs })));

/** Restarts each of three instances in turn while they are called, and gives how they ended and what became of the calls. */
async function restartAll(service: string, client: Client<WorkerContract>, starts: readonly StartOptions[]) {
  const first = await Promise.all(starts.map((options) => mesh.start(service, options)));
  // Some calls are under way whenever an instance stops.
  for (const it of first) it.set({ delayMs: 20 });
  const load = both(client);
  await sleep(700);
  const codes: Array<number | null> = [];
  const added: Worker[] = [];
  for (const [i, worker] of first.entries()) {
    codes.push(await worker.stop());
    const next = await mesh.start(service, starts[i]);
    next.set({ delayMs: 20 });
    added.push(next);
    await sleep(300);
  }
  const all = () => added.every(({ pid }) => load.fates.some(({ who }) => who === pid));
  await until(all, 15_000);
  await load.stop();
  const tries = [...first, ...added].reduce((sum, it) => sum + it.began(), 0);
  note({
    service,
    calls: load.fates.length,
    failed: failed(load.fates),
    longestMs: longestMs(load.fates),
    tries,
  });
  return { codes, load, tries };
}

describe("what is called all the time", { timeout: 60_000 }, () => {
  const inTurn = createLane();
  test.concurrent(
    "fails no call while every instance is restarted in turn, found by the broker",
    inTurn(async () => {
      const { codes, load } = await restartAll("rolling", mesh.client("rolling"), [{}, {}, {}]);
      expect(codes).toEqual([0, 0, 0]);
      expect(failed(load.fates)).toEqual([]);
    }),
  );

  test.concurrent(
    "fails no call while every instance is restarted in turn, named by configuration",
    inTurn(async () => {
      const ports = await Promise.all([freePort(), freePort(), freePort()]);
      const directory = createStaticDirectory({
        fixed: ports.map((port) => `http://127.0.0.1:${port}`).join("|"),
      });
      const client = mesh.network({ directory }).client(workerContract("fixed"));
      const starts = ports.map((port) => ({
        unseen: true,
        env: { PORT: `${port}`, WEFT_DISCOVERY: "false" },
      }));
      const { codes, load } = await restartAll("fixed", client, starts);
      expect(codes).toEqual([0, 0, 0]);
      expect(failed(load.fates)).toEqual([]);
    }),
  );

  test.concurrent("fails no call while the broker is away for longer than all leases; back, it shows a new instance", async () => {
    // Of its own, as the others need theirs meanwhile.
    await using mesh = await openMesh();
    await mesh.startAll("steady", 3);
    const load = both(mesh.client("steady"));
    await sleep(500);
    await mesh.nats.crash();
    await sleep(9000);
    const goneMs = performance.now();
    await mesh.nats.restart();
    const added = await mesh.start("steady");
    const usedMs = await until(() => load.fates.some(({ who }) => who === added.pid), 15_000);
    await sleep(500);
    await load.stop();
    expect(failed(load.fates)).toEqual([]);
    expect(load.since(goneMs - 8000, goneMs).length).toBeGreaterThan(perSecond * 5);
    expect(mesh.directory.instances("steady").length).toBe(4);
    note({ broker: { calls: load.fates.length, usedMs, longestMs: longestMs(load.fates) } });
  });
});
