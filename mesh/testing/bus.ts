import { randomBytes } from "node:crypto";
import type { Database } from "../db/database.ts";
import { openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { provisionDatabase } from "../db/provision.ts";
import type { Bus, BusOptions } from "../events/bus.ts";
import { openBus } from "../events/bus.ts";
import { createHealthChecks } from "../health/checks.ts";
import { newId } from "../id.ts";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { createMetrics } from "../metrics/metrics.ts";
import type { Nats } from "../nats/nats.ts";
import { connectNats } from "../nats/nats.ts";
import { createTracer } from "../telemetry/tracer.ts";
import { databaseUrl, dropDatabases } from "./databases.ts";
import { silentLog } from "./nats.ts";
import { testStores } from "./stores.ts";
import { dropStreams } from "./streams.ts";

/** What several instances of several services share in one test: a namespace of the broker, and databases. */
export interface TestWorld extends AsyncDisposable {
  readonly namespace: string;
  /** An instance of a service with its part of the bus. */
  instance(service: string, options?: InstanceOptions): Promise<TestInstance>;
  /** A connection as an instance has it. */
  connect(): Promise<Nats>;
}

export interface InstanceOptions extends Partial<BusOptions> {
  readonly withoutDatabase?: boolean;
}

export interface TestInstance {
  readonly bus: Bus;
  readonly db: Database;
  readonly nats: Nats;
  readonly metrics: Metrics;
  /** As at the end of a service. */
  stop(): Promise<void>;
}

export interface WorldOptions {
  readonly natsUrl?: string;
  readonly log?: Logger;
}

const noMigrations = new URL("./no-migrations/", import.meta.url);

export function openWorld({ natsUrl = testStores().natsUrl, log = silentLog }: WorldOptions = {}): TestWorld {
  const namespace = randomBytes(6).toString("hex");
  const databases = new Map<string, string>();
  const ending: Array<() => Promise<void>> = [];
  const connect = () => connectNats({ url: natsUrl, name: "test", log, waitMs: 10_000, namespace });
  return {
    namespace,
    async connect() {
      const nats = await connect();
      ending.push(() => nats.close());
      return nats;
    },
    async instance(service, { withoutDatabase = false, ...options } = {}) {
      const nats = await connect();
      const url = databases.get(service) ?? databaseUrl(service, namespace);
      databases.set(service, url);
      await provisionDatabase({ url, log, waitMs: 10_000 });
      const db = openDatabase({ url, applicationName: `test-${service}` });
      await migrate(db, noMigrations, log);
      const metrics = createMetrics(service);
      const bus = openBus({
        service,
        instanceId: newId(),
        publishes: [],
        db: withoutDatabase ? undefined : db,
        nats,
        settings: { replicas: 1, maxAgeMs: 60 * 60_000, maxBytes: 64 * 1024 * 1024 },
        tracer: createTracer({ service }),
        metrics,
        health: createHealthChecks(),
        log,
        ...options,
      });
      let stopped: Promise<void> | undefined;
      const end = async () => {
        await bus.rest();
        await bus.close();
        await nats.close();
        await db.close();
      };
      const stop = () => {
        stopped ??= end();
        return stopped;
      };
      ending.push(stop);
      return { bus, db, nats, metrics, stop };
    },
    async [Symbol.asyncDispose]() {
      for (const end of ending.reverse()) await end();
      if (natsUrl === testStores().natsUrl) await dropStreams(namespace);
      await dropDatabases([...databases.values()]);
    },
  };
}
