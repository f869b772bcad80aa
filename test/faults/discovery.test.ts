import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { openDirectory } from "#mesh/discovery/directory.ts";
import type { ViewPolicy } from "#mesh/discovery/view-policy.ts";
import { createLogger } from "#mesh/log/logger.ts";
import { connectNats } from "#mesh/nats/nats.ts";
import { collectLogs } from "#mesh/testing/logs.ts";
import { startNatsServer } from "#mesh/testing/nats-server.ts";

/** Faster than in earnest; the stand-in for a minute is, as a minute is, longer than a lease and all disbelief. */
const renewMs = 300;
const policy = { leaseMs: 1000, disbeliefMs: 3000 };
const minuteMs = 6000;
const soon = { timeout: 15_000, interval: 20 };
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const log = createLogger({ service: "test", level: "info", contracts: [], destination: collectLogs() });
/** Where the processes find our sources compiled, and so begin sooner. */
const compiled = join(import.meta.dirname, "../../.weft/cache/compiled");
const mesh = pathToFileURL(join(import.meta.dirname, "../../mesh/")).href;

/** A broker, a view of it, and processes that announce themselves; all of one test alone. */
async function openWorld(times: Partial<ViewPolicy> = policy) {
  await using opening = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "weft-discovery-"));
  opening.defer(() => rm(folder, { recursive: true, force: true }));
  const pidFile = join(folder, "pid");
  const server = opening.adopt(await startNatsServer("-P", pidFile), (it) => it.stop());
  const connection = { url: server.url, name: "test", log, waitMs: 10_000 };
  const nats = opening.adopt(await connectNats(connection), (it) => it.close());
  const directory = opening.adopt(await openDirectory({ nats, log, policy: times }), (it) => it.close());
  const processes: ChildProcess[] = [];
  opening.defer(() => {
    for (const it of processes) it.kill("SIGKILL");
  });

  const start = (id: string): ChildProcess => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", announcing(id, server.url)], {
      stdio: "ignore",
      env: { ...process.env, NODE_COMPILE_CACHE: compiled },
    });
    processes.push(child);
    return child;
  };
  const ids = () => directory.instances("order").map(({ id }) => id);
  const become = (...wanted: string[]) => vi.waitFor(() => expect(ids()).toEqual(wanted), soon);
  const opened = opening.move();
  return {
    server,
    directory,
    start,
    ids,
    become,
    startAll: async (...names: string[]): Promise<ChildProcess[]> => {
      const started = names.map(start);
      await become(...names);
      return started;
    },
    /** Every list the view has been, from now on. */
    watchSizes: () => {
      const sizes: number[] = [];
      directory.watch("order", (instances) => sizes.push(instances.length));
      return sizes;
    },
    brokerPid: async () => Number(await readFile(pidFile, "utf8")),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** What a process runs that announces itself and does nothing else; it withdraws on SIGTERM. */
const announcing = (id: string, url: string) => `
  import { holdLease } from "${mesh}discovery/lease.ts";
  import { createLogger } from "${mesh}log/logger.ts";
  import { connectNats } from "${mesh}nats/nats.ts";
  const log = createLogger({ service: "order", level: "silent", contracts: [] });
  const nats = await connectNats({ url: "${url}", name: "order", log, waitMs: 20_000 });
  const instance = {
    id: "${id}", service: "order", host: "127.0.0.1", port: 8012, version: "0.1.0",
    weight: 100, contracts: "${"0".repeat(64)}", express: true,
  };
  const lease = holdLease({ nats, instance, log, renewMs: ${renewMs} });
  process.on("SIGTERM", () => void lease.withdraw().then(() => nats.close()).then(() => process.exit()));
`;

// They mostly wait, each with a broker of its own.
describe.concurrent("one of three instances", { timeout: 40_000 }, () => {
  test("that is killed leaves the view, the others stay", async () => {
    await using world = await openWorld();
    const [, second] = await world.startAll("a", "b", "c");
    const sizes = world.watchSizes();
    second?.kill("SIGKILL");
    await world.become("a", "c");
    expect(sizes).toEqual([2]);
  });

  test("that is paused leaves the view, and is in it again when it goes on", async () => {
    await using world = await openWorld();
    const [, second] = await world.startAll("a", "b", "c");
    second?.kill("SIGSTOP");
    await world.become("a", "c");
    second?.kill("SIGCONT");
    await world.become("a", "b", "c");
  });

  test("that is stopped in good order is gone before its lease is over", async () => {
    await using world = await openWorld({ leaseMs: 600_000 });
    const [, second] = await world.startAll("a", "b", "c");
    second?.kill("SIGTERM");
    await world.become("a", "c");
    if (second?.exitCode === null) await once(second, "exit");
    expect(second?.exitCode).toBe(0);
    await world.become("a", "c");
  });
});

describe.concurrent("a broker that is away for a minute", { timeout: 40_000 }, () => {
  test("because it hangs costs nobody, and the view is right again when it goes on", async () => {
    await using world = await openWorld();
    const [first] = await world.startAll("a", "b", "c");
    const before = world.directory.instances("order");
    const sizes = world.watchSizes();
    const pid = await world.brokerPid();
    process.kill(pid, "SIGSTOP");
    try {
      await pause(minuteMs);
      expect(sizes).toEqual([]);
      expect(world.directory.instances("order")).toBe(before);
      expect(world.directory.isCurrent()).toBe(false);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await vi.waitFor(() => expect(world.directory.isCurrent()).toBe(true), soon);
    await pause(3 * policy.leaseMs);
    expect(sizes).toEqual([]);
    expect(world.directory.instances("order")).toBe(before);
    world.start("d");
    first?.kill("SIGKILL");
    await world.become("b", "c", "d");
  });

  test.each([
    ["with what it had stored", false],
    ["with nothing", true],
  ])("because it was killed costs nobody, and comes back %s", async (_how, empty) => {
    await using world = await openWorld();
    const [first] = await world.startAll("a", "b", "c");
    const before = world.directory.instances("order");
    const sizes = world.watchSizes();
    await world.server.crash();
    await pause(minuteMs);
    expect(world.directory.instances("order")).toBe(before);
    await world.server.restart({ empty });
    await vi.waitFor(() => expect(world.directory.isCurrent()).toBe(true), soon);
    await pause(3 * policy.leaseMs);
    expect(sizes).toEqual([]);
    expect(world.directory.instances("order")).toBe(before);
    world.start("d");
    first?.kill("SIGKILL");
    await world.become("b", "c", "d");
  });
});

// By itself: beside others, the machine would be what hangs.
test("a broker that hangs again and again, shorter than a lease, costs nobody", {
  timeout: 40_000,
}, async () => {
  await using world = await openWorld();
  await world.startAll("a", "b", "c");
  const sizes = world.watchSizes();
  const pid = await world.brokerPid();
  for (let i = 0; i < 5; i++) {
    process.kill(pid, "SIGSTOP");
    await pause(policy.leaseMs * 0.9);
    process.kill(pid, "SIGCONT");
    await pause(policy.leaseMs * 0.3);
  }
  expect(sizes).toEqual([]);
  expect(world.ids()).toEqual(["a", "b", "c"]);
});
