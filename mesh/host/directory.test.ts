import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Directory } from "../discovery/directory.ts";
import type { Lease } from "../discovery/lease.ts";
import { holdLease } from "../discovery/lease.ts";
import { newId } from "../id.ts";
import { createLogger } from "../log/logger.ts";
import type { Nats } from "../nats/nats.ts";
import { connectNats } from "../nats/nats.ts";
import { defineService } from "../service.ts";
import { collectLogs } from "../testing/logs.ts";
import type { NatsServer } from "../testing/nats-server.ts";
import { startNatsServer } from "../testing/nats-server.ts";
import { ProbeService } from "../testing/probe.ts";
import { openServiceDirectory } from "./directory.ts";
import type { MeshConfig } from "./mesh-config.ts";
import { readServiceConfig } from "./mesh-config.ts";

const log = createLogger({ service: "test", level: "silent", contracts: [], destination: collectLogs() });
const caller = defineService({
  name: "caller",
  contracts: [],
  calls: { probe: ProbeService },
  setup: () => ({ rpc: [] }),
});
let server: NatsServer;
let nats: Nats;
let lease: Lease;

beforeAll(async () => {
  server = await startNatsServer();
  nats = await connectNats({ url: server.url, name: "test", log, waitMs: 10_000 });
  lease = holdLease({
    nats,
    log,
    instance: {
      id: newId(),
      service: "probe",
      host: "10.0.0.4",
      port: 8012,
      version: "0.1.0",
      weight: 100,
      contracts: "0".repeat(64),
      express: true,
    },
  });
  await lease.announced;
});
afterAll(async () => {
  await nats.close();
  await server.stop();
});

const configOf = (env: Record<string, string>): MeshConfig =>
  readServiceConfig("caller", 0, {}, { WEFT_ENV: "test", ...env }).config;
const places = (directory: Directory, service = "probe") =>
  directory.instances(service).map(({ host, port }) => `${host}:${port}`);

async function withDirectory(env: Record<string, string>, look: (directory: Directory) => unknown) {
  const { directory } = await openServiceDirectory(caller, configOf(env), nats, log);
  try {
    await look(directory);
  } finally {
    directory.close();
  }
}

describe("a service looks for others", () => {
  test("where they are announced", () =>
    withDirectory({}, (directory) => expect(places(directory)).toEqual(["10.0.0.4:8012"])));

  test("where configuration says, which is all there is then", () =>
    withDirectory({ WEFT_ENDPOINTS: "probe=http://10.1.1.1:1|http://10.1.1.2:2" }, (directory) =>
      expect(places(directory)).toEqual(["10.1.1.1:1", "10.1.1.2:2"]),
    ));

  test("at their usual ports where nobody announces anything", () =>
    withDirectory({ WEFT_DISCOVERY: "false" }, (directory) => {
      expect(places(directory)).toEqual(["127.0.0.1:8999"]);
      // The issuer, whom every service calls.
      expect(places(directory, "security").length).toBe(1);
      expect(places(directory, "stranger")).toEqual([]);
    }));

  test("nowhere once the last is withdrawn: on the usual port another platform may answer", () =>
    withDirectory({}, async (directory) => {
      await lease.withdraw();
      await vi.waitFor(() => expect(places(directory)).toEqual([]), { timeout: 8000 });
    }));
});
