import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client } from "@connectrpc/connect";
import type { Network, NetworkOptions } from "#mesh/client/network.ts";
import { createNetwork } from "#mesh/client/network.ts";
import type { Directory } from "#mesh/discovery/directory.ts";
import { openDirectory } from "#mesh/discovery/directory.ts";
import { newId } from "#mesh/id.ts";
import { createLogger } from "#mesh/log/logger.ts";
import type { Metrics } from "#mesh/metrics/metrics.ts";
import { createMetrics } from "#mesh/metrics/metrics.ts";
import { connectNats } from "#mesh/nats/nats.ts";
import type { NatsServer } from "#mesh/testing/nats-server.ts";
import { startNatsServer } from "#mesh/testing/nats-server.ts";
import { silentTelemetry } from "#mesh/testing/telemetry.ts";
import type { WorkerContract } from "./contract.ts";
import { workerContract } from "./contract.ts";
import { until } from "./until.ts";
import type { Worker } from "./workers.ts";
import { startWorker } from "./workers.ts";

/** Services that find each other by a broker of their own, and this process as one that calls them. */
export interface Mesh extends AsyncDisposable {
  readonly nats: NatsServer;
  readonly folder: string;
  /** Numbers of the calls that this process makes. */
  readonly metrics: Metrics;
  readonly directory: Directory;
  /** Starts an instance and waits until this process knows it. */
  start(service: string, options?: StartOptions): Promise<Worker>;
  startAll(service: string, count: number): Promise<Worker[]>;
  client(service: string): Client<WorkerContract>;
  /** Another way to call, such as with credentials of its own. */
  network(options: Partial<NetworkOptions>): Network;
  /** Variables with which a service takes part. */
  readonly env: Readonly<Record<string, string>>;
}

export interface StartOptions {
  next?: string;
  env?: Record<string, string>;
  /** Nobody can learn of it as long as the broker is away. */
  unseen?: boolean;
}

const nowhere = { write: () => {} };
const log = createLogger({ service: "caller", level: "silent", contracts: [], destination: nowhere });

export async function openMesh(): Promise<Mesh> {
  const folder = await mkdtemp(join(tmpdir(), "weft-faults-"));
  const server = await startNatsServer();
  const nats = await connectNats({ url: server.url, name: "caller", log, waitMs: 10_000 });
  const directory = await openDirectory({ nats, log });
  const metrics = createMetrics("caller");
  const telemetry = silentTelemetry("caller", metrics);
  const callerId = newId();
  const open: Network[] = [];
  const workers: Worker[] = [];
  const env = {
    WEFT_ENV: "test",
    PORT: "0",
    NATS_URL: server.url,
    LOG_LEVEL: "silent",
    SHUTDOWN_GRACE: "5s",
  };

  const network = (options: Partial<NetworkOptions>): Network => {
    const opened = createNetwork({ callerId, directory, telemetry, ...options });
    open.push(opened);
    return opened;
  };
  const usual = network({});
  const isKnown = (service: string, { port }: Worker) =>
    directory.instances(service).some((it) => it.port === port);

  const start = async (service: string, { next, env: more, unseen }: StartOptions = {}) => {
    const options = { service, ...(next !== undefined && { next }) };
    const worker = await startWorker(folder, options, { ...env, ...more });
    workers.push(worker);
    if (!unseen) await until(() => isKnown(service, worker));
    return worker;
  };

  return {
    nats: server,
    folder,
    metrics,
    directory,
    env,
    start,
    startAll: (service, count) => Promise.all(Array.from({ length: count }, () => start(service))),
    client: (service) => usual.client(workerContract(service)),
    network,
    async [Symbol.asyncDispose]() {
      for (const it of open) it.close();
      for (const it of workers) await it.kill();
      directory.close();
      await nats.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
