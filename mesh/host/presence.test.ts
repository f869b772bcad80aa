import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { neighbour } from "../client/neighbours.ts";
import { loadContracts } from "../discovery/contracts-bucket.ts";
import type { DiscoveredDirectory } from "../discovery/directory.ts";
import { openDirectory } from "../discovery/directory.ts";
import { reasonOf } from "../errors.ts";
import { createLogger } from "../log/logger.ts";
import type { Nats } from "../nats/nats.ts";
import { connectNats } from "../nats/nats.ts";
import { collectLogs } from "../testing/logs.ts";
import type { NatsServer } from "../testing/nats-server.ts";
import { startNatsServer } from "../testing/nats-server.ts";
import type { ProbeHandlers } from "../testing/probe.ts";
import { ProbeService, probeService } from "../testing/probe.ts";
import { version } from "../version.ts";
import type { Hosted } from "./host.ts";
import { hostService } from "./host.ts";

const soon = { timeout: 8000, interval: 10 };
const logs = collectLogs();
const log = createLogger({ service: "test", level: "info", contracts: [], destination: logs });
const running: Hosted[] = [];
let server: NatsServer;
let nats: Nats;
let directory: DiscoveredDirectory;

beforeAll(async () => {
  server = await startNatsServer();
  nats = await connectNats({ url: server.url, name: "test", log, waitMs: 10_000 });
  directory = await openDirectory({ nats, log });
});
afterEach(async () => {
  for (const hosted of running.splice(0)) await hosted.stop();
  await vi.waitFor(() => expect(directory.instances("probe")).toEqual([]), soon);
});
afterAll(async () => {
  directory.close();
  await nats.close();
  await server.stop();
});

const host = async (more: Record<string, string> = {}, own: Partial<ProbeHandlers> = {}) => {
  const env = {
    WEFT_ENV: "test",
    PORT: "0",
    NATS_URL: server.url,
    WEFT_ENDPOINTS: "security=http://127.0.0.1:1",
    // Nobody is there, and nobody will come.
    WEFT_WAIT_FOR_READY: "0s",
    ...more,
  };
  const hosted = await hostService(probeService(own), { env, logs });
  running.push(hosted);
  return hosted;
};
const seen = (count: number) =>
  vi.waitFor(() => {
    const instances = directory.instances("probe");
    expect(instances.length).toBe(count);
    return instances;
  }, soon);
const clientOf = ({ port }: Hosted) =>
  createClient(
    ProbeService,
    createConnectTransport({ baseUrl: `http://127.0.0.1:${port}`, httpVersion: "1.1" }),
  );

describe("an instance that is hosted", () => {
  test("is announced where it is, with the contracts that it serves", async () => {
    const hosted = await host();
    const [instance] = await seen(1);
    expect(instance).toMatchObject({
      service: "probe",
      host: "127.0.0.1",
      port: hosted.port,
      version,
      weight: 100,
      express: true,
    });
    const contracts = await vi.waitFor(() => loadContracts(nats, instance?.contracts ?? ""), soon);
    expect(contracts.getService("probe.v1.ProbeService")?.method.echo?.name).toBe("Echo");
    expect(neighbour(instance?.id ?? "")).toBeDefined();
  });

  test("is announced under the address and with the weight that configuration gives it", async () => {
    await host({ WEFT_ADVERTISED_HOST: "probe.internal", WEFT_WEIGHT: "10" });
    expect((await seen(1))[0]).toMatchObject({ host: "probe.internal", weight: 10 });
  });

  test("is announced under an address that others can use when it listens everywhere", async () => {
    await host({ WEFT_HOST: "0.0.0.0" });
    expect((await seen(1))[0]?.host).not.toBe("0.0.0.0");
  });

  test("is one of several, each with an id of its own", async () => {
    await host();
    await host();
    expect(new Set((await seen(2)).map(({ id }) => id)).size).toBe(2);
  });

  test("is not announced where discovery is off", async () => {
    await host({ WEFT_DISCOVERY: "false" });
    await host();
    await seen(1);
    await sleep(100);
    expect(directory.instances("probe").length).toBe(1);
  });

  test("is withdrawn before it stops to answer", async () => {
    const hosted = await host({ SHUTDOWN_DELAY: "1s" });
    const [instance] = await seen(1);
    const client = clientOf(hosted);
    const stopped = hosted.stop();
    await seen(0);
    expect(neighbour(instance?.id ?? "")).toBeUndefined();
    expect((await client.echo({ text: "still here" })).text).toBe("still here");
    await stopped;
    await expect(client.echo({})).rejects.toMatchObject({ code: Code.Unavailable });
  });

  test("that cannot be announced does not start, and leaves its port", async () => {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
    const { port } = probe.address() as { port: number };
    await new Promise((resolve) => probe.close(resolve));
    const error = await host({ PORT: `${port}`, WEFT_ADVERTISED_HOST: "not a host" }).then(
      () => undefined,
      (thrown: unknown) => ConnectError.from(thrown),
    );
    expect(reasonOf(error)).toBe("bad_instance");
    expect(error?.message).toContain("probe cannot announce itself");
    const again = createServer();
    await new Promise<void>((resolve, reject) => {
      again.once("error", reject);
      again.listen(port, "127.0.0.1", resolve);
    });
    await new Promise((resolve) => again.close(resolve));
  });
});
