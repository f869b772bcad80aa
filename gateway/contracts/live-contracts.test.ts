import type { DescService } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Nats } from "#mesh";
import { connectNats, createLogger, newId } from "#mesh";
import { describeContracts } from "#mesh/discovery/contracts.ts";
import { contractsBucket, keepContracts } from "#mesh/discovery/contracts-bucket.ts";
import { openDirectory } from "#mesh/discovery/directory.ts";
import { holdLease } from "#mesh/discovery/lease.ts";
import { collectLogs } from "#mesh/testing/logs.ts";
import type { NatsServer } from "#mesh/testing/nats-server.ts";
import { startNatsServer } from "#mesh/testing/nats-server.ts";
import type { ContractsSnapshot, LiveContracts } from "./contracts.ts";
import { openContracts } from "./live-contracts.ts";
import { routesBucket } from "./routes-record.ts";
import { testServices } from "./testing/test-file.ts";

/** "Within 2 s" is the promise; a loaded machine is given more. */
const soon = { timeout: 8000, interval: 10 };
const renewMs = 200;
const policy = { leaseMs: 1000, disbeliefMs: 2000 };

let logs: ReturnType<typeof collectLogs>;
let server: NatsServer;
let closing: (() => unknown)[];
let nats: Nats;

const log = () => createLogger({ service: "gateway", level: "info", contracts: [], destination: logs });
const connect = async () => {
  const made = await connectNats({ url: server.url, name: "test", log: log(), waitMs: 10_000 });
  closing.push(() => made.close());
  return made;
};
const gateway = async () => {
  const at = await connect();
  const directory = await openDirectory({ nats: at, log: log(), policy });
  const live = await openContracts({ nats: at, directory, log: log(), random: () => 0 });
  closing.push(live.close, directory.close);
  return { live, nats: at };
};
/** A contract of a service with these GET paths. */
const contractOf = (service: string, ...paths: string[]): DescService[] => {
  const methods = Object.fromEntries(paths.map((path, i) => [`M${i}`, { http: { get: path } }]));
  return testServices({ package: `${service}.v1`, process: service, services: { S: methods } });
};
/** An instance of it, as a process of its own would announce it. */
const start = (service: string, contracts: DescService[]) => {
  const set = describeContracts(contracts);
  const lease = announce(service, set.hash);
  const kept = keepContracts({ nats, log: log(), contracts: set });
  return { ...lease, hash: set.hash, stop: () => Promise.all([lease.withdraw(), kept.stop()]) };
};
const announce = (service: string, contracts: string) => {
  const host = "127.0.0.1";
  const express = true;
  const instance = {
    id: newId(),
    service,
    host,
    port: 8012,
    version: "0.1.0",
    weight: 100,
    contracts,
    express,
  };
  return holdLease({ nats, log: log(), instance, renewMs });
};
const paths = ({ served }: ContractsSnapshot) =>
  served.flatMap(({ bindings }) => bindings.map(({ template }) => template.text));
const serves = (live: LiveContracts, ...expected: string[]) =>
  vi.waitFor(() => expect(paths(live.current())).toEqual(expected), soon);

beforeEach(async () => {
  logs = collectLogs();
  closing = [];
  server = await startNatsServer();
  nats = await connect();
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  await server.stop();
});

describe("a gateway that runs", () => {
  test("serves a service that appears, and its next version, in snapshots that do not change", async () => {
    const { live } = await gateway();
    const empty = live.current();
    const seen: ContractsSnapshot[] = [];
    const stop = live.onChange((it) => seen.push(it));
    start("order", contractOf("order", "/a"));
    await serves(live, "/a");
    const first = live.current();
    expect(empty.served).toEqual([]);
    expect(seen.at(-1)).toBe(first);
    expect(first.served[0]).toMatchObject({ service: "order", contracts: [{ typeName: "order.v1.S" }] });
    start("order", contractOf("order", "/b"));
    await serves(live, "/b");
    expect(paths(first)).toEqual(["/a"]);
    expect(live.current().version).toBeGreaterThan(first.version);
    expect(live.current().reports).toMatchObject([{ status: "served", changes: [{ kind: "breaking" }, {}] }]);
    stop();
    const before = seen.length;
    start("user", contractOf("user", "/c"));
    await serves(live, "/b", "/c");
    expect(seen).toHaveLength(before);
  });

  test("waits for contracts that are published after their instance", async () => {
    const { live } = await gateway();
    const contracts = contractOf("order", "/a");
    announce("order", describeContracts(contracts).hash);
    await vi.waitFor(() => expect(live.current().reports).toMatchObject([{ status: "loading" }]), soon);
    start("order", contracts);
    await serves(live, "/a");
  });

  test("refuses what is unreadable, and a conflict, with one line each, and serves all others", async () => {
    const { live } = await gateway();
    start("order", contractOf("order", "/a"));
    await serves(live, "/a");
    const hash = "0".repeat(64);
    await (await nats.bucket(contractsBucket)).put(hash, "no descriptors");
    announce("broken", hash);
    start("cart", contractOf("cart", "/a"));
    start("user", contractOf("user", "/c"));
    await serves(live, "/a", "/c");
    await vi.waitFor(
      () =>
        expect(live.current().reports.map((it) => `${it.service} ${it.status}`)).toEqual([
          "broken refused",
          "cart refused",
          "order served",
          "user served",
        ]),
      soon,
    );
    const lines = logs.lines.filter((it) => `${it.message}`.includes("is refused"));
    expect(lines.map((it) => it.contract).sort()).toEqual(["broken", "cart"]);
  });

  test("goes on when one who follows it fails", async () => {
    const { live } = await gateway();
    live.onChange(() => {
      throw new Error("mine");
    });
    let told = 0;
    live.onChange(() => told++);
    start("order", contractOf("order", "/a"));
    await serves(live, "/a");
    expect(told).toBeGreaterThan(0);
    expect(logs.text).toContain("mine");
  });

  test("keeps what it has while the broker is away, and goes on when it is back with nothing", async () => {
    const { live } = await gateway();
    start("order", contractOf("order", "/a"));
    await serves(live, "/a");
    const { served } = live.current();
    await server.crash();
    await vi.waitFor(() => expect(nats.connected()).toBe(false), soon);
    expect(live.current().served).toBe(served);
    await server.restart({ empty: true });
    start("user", contractOf("user", "/b"));
    await serves(live, "/a", "/b");
    expect(live.current().served[0]).toBe(served[0]);
    const record = await nats.bucket(routesBucket);
    await vi.waitFor(async () => expect(await record.get("order")).not.toBeNull(), soon);
  });
});

describe("a gateway that starts", () => {
  test("serves all that is there before it says it is ready", async () => {
    const order = start("order", contractOf("order", "/a"));
    const user = start("user", contractOf("user", "/b"));
    await Promise.all([order.announced, user.announced]);
    const kept = keepContracts({ nats, log: log(), contracts: describeContracts(contractOf("order", "/a")) });
    const more = keepContracts({ nats, log: log(), contracts: describeContracts(contractOf("user", "/b")) });
    await Promise.all([kept.published, more.published]);
    const { live } = await gateway();
    expect(paths(live.current())).toEqual(["/a", "/b"]);
    await Promise.all([kept.stop(), more.stop()]);
  });

  test("knows a service that is down from those that ran before it", async () => {
    const first = await gateway();
    const order = start("order", contractOf("order", "/a"));
    await serves(first.live, "/a");
    const record = await nats.bucket(routesBucket);
    await vi.waitFor(async () => expect((await record.get("order"))?.string()).toContain(order.hash), soon);
    await order.stop();
    const second = await gateway();
    expect(paths(first.live.current())).toEqual(["/a"]);
    expect(paths(second.live.current())).toEqual(["/a"]);
    start("cart", contractOf("cart", "/a"));
    await vi.waitFor(
      () => expect(second.live.current().reports.map((it) => it.status)).toEqual(["refused", "served"]),
      soon,
    );
  });

  test("ignores what is no record", async () => {
    const record = await nats.bucket(routesBucket);
    for (const [i, text] of ["", "{", "null", "{}", '{"hash":"x","since":"y"}', "x".repeat(3000)].entries())
      await record.put(`bad${i}`, text);
    await record.put("order", JSON.stringify({ hash: "0".repeat(64), since: newId() }));
    const { live } = await gateway();
    start("user", contractOf("user", "/b"));
    await serves(live, "/b");
  });
});
