import type { DescMessage } from "@bufbuild/protobuf";
import type { Database } from "../../mesh/db/database.ts";
import { openDatabase } from "../../mesh/db/database.ts";
import { migrate } from "../../mesh/db/migrate.ts";
import { provisionDatabase } from "../../mesh/db/provision.ts";
import type { Bus } from "../../mesh/events/bus.ts";
import { openBus } from "../../mesh/events/bus.ts";
import { createHealthChecks } from "../../mesh/health/checks.ts";
import { newId } from "../../mesh/id.ts";
import { createLogger } from "../../mesh/log/logger.ts";
import { createMetrics } from "../../mesh/metrics/metrics.ts";
import { connectNats } from "../../mesh/nats/nats.ts";
import { createTracer } from "../../mesh/telemetry/tracer.ts";

export interface InstanceOptions {
  readonly service: string;
  readonly natsUrl: string;
  /** Without it, the service has no database. */
  readonly postgresUrl?: string;
  readonly publishes?: readonly DescMessage[];
  /** Keeps measurements apart. Default: none. */
  readonly namespace?: string;
}

const log = createLogger({ service: "bench", level: "warn", contracts: [] });
const noMigrations = new URL("../../mesh/testing/no-migrations/", import.meta.url);

/** A service's part of the bus, with metrics and traces as usual. */
export async function openInstance(
  options: InstanceOptions,
): Promise<{ bus: Bus; db: Database | undefined }> {
  const { service, natsUrl, postgresUrl, publishes = [], namespace = "" } = options;
  const nats = await connectNats({ url: natsUrl, name: service, log, waitMs: 10_000, namespace });
  const db = postgresUrl === undefined ? undefined : await openOwn(postgresUrl, service);
  const bus = openBus({
    service,
    instanceId: newId(),
    publishes,
    db,
    nats,
    settings: { replicas: 1, maxAgeMs: 60 * 60_000, maxBytes: 1024 * 1024 * 1024 },
    tracer: createTracer({ service }),
    metrics: createMetrics(service),
    health: createHealthChecks(),
    log,
  });
  return { bus, db };
}

export async function openOwn(server: string, service: string): Promise<Database> {
  const url = server.replace(/\/[^/]*$/, `/bench_${service}`);
  await provisionDatabase({ url, log, waitMs: 10_000 });
  const db = openDatabase({ url, applicationName: `bench-${service}` });
  await migrate(db, noMigrations, log);
  return db;
}
