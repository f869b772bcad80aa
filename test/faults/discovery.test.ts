import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { DiscoveredDirectory } from "#mesh/discovery/directory.ts";
import { openDirectory } from "#mesh/discovery/directory.ts";
import { createLogger } from "#mesh/log/logger.ts";
import type { Nats } from "#mesh/nats/nats.ts";
import { connectNats } from "#mesh/nats/nats.ts";
import { collectLogs } from "#mesh/testing/logs.ts";
import type { NatsServer } from "#mesh/testing/nats-server.ts";
import { startNatsServer } from "#mesh/testing/nats-server.ts";

/** Faster than in earnest; the stand-in for a minute is, as a minute is, longer than a lease and all disbelief. */
const renewMs = 300;
const policy = { leaseMs: 1000, disbeliefMs: 3000 };
const minuteMs = 6000;
const soon = { timeout: 15_000, interval: 20 };
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const log = createLogger({ service: "test", level: "info", contracts: [], destination: collectLogs() });
const mesh = pathToFileURL(join(import.meta.dirname, "../../mesh/")).href;

let folder: string;
let server: NatsServer;
let nats: Nats;
let directory: DiscoveredDirectory;
let processes: ChildProcess[];

beforeEach(async () => {
  processes = [];
  folder = await mkdtemp(join(tmpdir(), "weft-discovery-"));
  server = await startNatsServer("-P", join(folder, "pid"));
  nats = await connectNats({ url: server.url, name: "test", log, waitMs: 10_000 });
  directory = await openDirectory({ nats, log, policy });
});
afterEach(async () => {
  for (const it of processes) it.kill("SIGKILL");
  directory.close();
  await nats.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A process that announces itself and does nothing else; it withdraws on SIGTERM. */
const start = (id: string): ChildProcess => {
  const code = `
    import { holdLease } from "${mesh}discovery/lease.ts";
    import { createLogger } from "${mesh}log/logger.ts";
    import { connectNats } from "${mesh}nats/nats.ts";
    const log = createLogger({ service: "order", level: "silent", contracts: [] });
    const nats = await connectNats({ url: "${server.url}", name: "order", log, waitMs: 20_000 });
    const instance = {
      id: "${id}", service: "order", host: "127.0.0.1", port: 8012, version: "0.1.0",
      weight: 100, contracts: "${"0".repeat(64)}", express: true,
    };
    const lease = holdLease({ nats, instance, log, renewMs: ${renewMs} });
    process.on("SIGTERM", () => void lease.withdraw().then(() => nats.close()).then(() => process.exit()));
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: "ignore" });
  processes.push(child);
  return child;
};
const ids = () => directory.instances("order").map(({ id }) => id);
const become = (...wanted: string[]) => vi.waitFor(() => expect(ids()).toEqual(wanted), soon);
const startAll = async (...names: string[]): Promise<ChildProcess[]> => {
  const started = names.map(start);
  await become(...names);
  return started;
};
/** Every list the view has been, from now on. */
const watchSizes = () => {
  const sizes: number[] = [];
  directory.watch("order", (instances) => sizes.push(instances.length));
  return sizes;
};

describe("one of three instances", () => {
  test("that is killed leaves the view, the others stay", async () => {
    const [, second] = await startAll("a", "b", "c");
    const sizes = watchSizes();
    second?.kill("SIGKILL");
    await become("a", "c");
    expect(sizes).toEqual([2]);
  });

  test("that is paused leaves the view, and is in it again when it goes on", async () => {
    const [, second] = await startAll("a", "b", "c");
    second?.kill("SIGSTOP");
    await become("a", "c");
    second?.kill("SIGCONT");
    await become("a", "b", "c");
  });

  test("that is stopped in good order is gone before its lease is over", async () => {
    directory.close();
    directory = await openDirectory({ nats, log, policy: { leaseMs: 600_000 } });
    const [, second] = await startAll("a", "b", "c");
    second?.kill("SIGTERM");
    await become("a", "c");
    if (second?.exitCode === null) await once(second, "exit");
    expect(second?.exitCode).toBe(0);
    await become("a", "c");
  });
});

describe("a broker that is away for a minute", () => {
  test("because it hangs costs nobody, and the view is right again when it goes on", async () => {
    const [first] = await startAll("a", "b", "c");
    const before = directory.instances("order");
    const sizes = watchSizes();
    const pid = Number(await readFile(join(folder, "pid"), "utf8"));
    process.kill(pid, "SIGSTOP");
    try {
      await pause(minuteMs);
      expect(sizes).toEqual([]);
      expect(directory.instances("order")).toBe(before);
      expect(directory.isCurrent()).toBe(false);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await vi.waitFor(() => expect(directory.isCurrent()).toBe(true), soon);
    await pause(3 * policy.leaseMs);
    expect(sizes).toEqual([]);
    expect(directory.instances("order")).toBe(before);
    start("d");
    first?.kill("SIGKILL");
    await become("b", "c", "d");
  });

  test.each([
    ["with what it had stored", false],
    ["with nothing", true],
  ])(
    "because it was killed costs nobody, and comes back %s",
    async (_how, empty) => {
      const [first] = await startAll("a", "b", "c");
      const before = directory.instances("order");
      const sizes = watchSizes();
      await server.crash();
      await pause(minuteMs);
      expect(directory.instances("order")).toBe(before);
      await server.restart({ empty });
      await vi.waitFor(() => expect(directory.isCurrent()).toBe(true), soon);
      await pause(3 * policy.leaseMs);
      expect(sizes).toEqual([]);
      expect(directory.instances("order")).toBe(before);
      start("d");
      first?.kill("SIGKILL");
      await become("b", "c", "d");
    },
    40_000,
  );
});

test("a broker that hangs again and again, shorter than a lease, costs nobody", async () => {
  await startAll("a", "b", "c");
  const sizes = watchSizes();
  const pid = Number(await readFile(join(folder, "pid"), "utf8"));
  for (let i = 0; i < 5; i++) {
    process.kill(pid, "SIGSTOP");
    await pause(policy.leaseMs * 0.9);
    process.kill(pid, "SIGCONT");
    await pause(policy.leaseMs * 0.3);
  }
  expect(sizes).toEqual([]);
  expect(ids()).toEqual(["a", "b", "c"]);
});
