import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { newId } from "../id.ts";
import { createLogger } from "../log/logger.ts";
import type { Nats } from "../nats/nats.ts";
import { connectNats } from "../nats/nats.ts";
import { collectLogs } from "../testing/logs.ts";
import type { NatsServer } from "../testing/nats-server.ts";
import { startNatsServer } from "../testing/nats-server.ts";
import type { Instance } from "./instance.ts";
import { encodeInstance, instanceKey } from "./instance.ts";
import { openInstancesBucket } from "./instances-bucket.ts";
import { holdLease } from "./lease.ts";

const soon = { timeout: 8000, interval: 10 };
const renewMs = 200;
const logs = collectLogs();
const log = createLogger({ service: "test", level: "info", contracts: [], destination: logs });

let server: NatsServer;
let nats: Nats;
let instance: Instance;
let key: string;
const revision = async () => (await (await openInstancesBucket(nats)).get(key))?.revision ?? 0;

beforeEach(async () => {
  server = await startNatsServer();
  nats = await connectNats({ url: server.url, name: "test", log, waitMs: 10_000 });
  instance = {
    id: newId(),
    service: "order",
    host: "127.0.0.1",
    port: 8012,
    version: "0.1.0",
    weight: 100,
    contracts: "0".repeat(64),
    express: true,
  };
  key = instanceKey(instance.service, instance.id);
});
afterEach(async () => {
  await nats.close();
  await server.stop();
});

describe("a lease", () => {
  test("is announced and renewed until it is withdrawn", async () => {
    const lease = holdLease({ nats, instance, log, renewMs });
    await lease.announced;
    const bucket = await openInstancesBucket(nats);
    expect((await bucket.get(key))?.string()).toBe(encodeInstance(instance));
    const first = await revision();
    await vi.waitFor(async () => expect(await revision()).toBeGreaterThan(first + 1), soon);
    await lease.withdraw();
    const entry = await bucket.get(key);
    expect(entry?.operation).toBe("DEL");
    await new Promise((resolve) => setTimeout(resolve, 3 * renewMs));
    expect(await revision()).toBe(entry?.revision);
    await lease.withdraw();
  });

  test("of an instance that nobody can call is refused at the start", () => {
    expect(() => holdLease({ nats, instance: { ...instance, host: "0.0.0.0" }, log })).toThrow(/announce/);
  });

  test("is announced again when the broker comes back without the bucket", async () => {
    const lease = holdLease({ nats, instance, log, renewMs });
    await lease.announced;
    await server.crash();
    await vi.waitFor(() => expect(nats.connected()).toBe(false), soon);
    await server.restart({ empty: true });
    await vi.waitFor(async () => expect(await revision()).toBeGreaterThan(0), soon);
    await lease.withdraw();
  });

  test("begun while the broker is away is announced when it is back", async () => {
    await server.crash();
    await vi.waitFor(() => expect(nats.connected()).toBe(false), soon);
    let announced = false;
    const lease = holdLease({ nats, instance, log, renewMs });
    void lease.announced.then(() => {
      announced = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 3 * renewMs));
    expect(announced).toBe(false);
    await server.restart();
    await lease.announced;
    await lease.withdraw();
  });

  test("withdrawn before it was ever announced leaves nothing", async () => {
    const lease = holdLease({ nats, instance, log, renewMs });
    await lease.withdraw();
    const entry = await (await openInstancesBucket(nats)).get(key);
    expect(entry?.operation ?? "DEL").toBe("DEL");
  });

  test("ends quietly with its connection", async () => {
    const lease = holdLease({ nats, instance, log, renewMs });
    await lease.announced;
    const before = logs.lines.length;
    await nats.close();
    await new Promise((resolve) => setTimeout(resolve, 3 * renewMs));
    await lease.withdraw();
    expect(logs.lines.slice(before).filter(({ level }) => level !== "info")).toEqual([]);
  });
});
