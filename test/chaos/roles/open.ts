import type { DescMessage } from "@bufbuild/protobuf";
import type { Database } from "#mesh/db/database.ts";
import { openDatabase } from "#mesh/db/database.ts";
import type { Bus } from "#mesh/events/bus.ts";
import { openBus } from "#mesh/events/bus.ts";
import type { Subscription } from "#mesh/events/consume/on.ts";
import { createHealthChecks } from "#mesh/health/checks.ts";
import { createLogger } from "#mesh/log/logger.ts";
import type { Metrics } from "#mesh/metrics/metrics.ts";
import { createMetrics } from "#mesh/metrics/metrics.ts";
import { connectNats } from "#mesh/nats/nats.ts";
import { createTracer } from "#mesh/telemetry/tracer.ts";
import type { Counts, FromRole, RoleOptions, ToRole } from "../role-talk.ts";

export interface Role {
  readonly options: RoleOptions;
  readonly db: Database;
  readonly bus: Bus;
  consume(subscription: Subscription): void;
}

const countEveryMs = 250;
export const say = (message: FromRole) => void process.send?.(message);

/** Opens what a service has of the bus, as a host does. */
export async function openRole(publishes: readonly DescMessage[] = []): Promise<Role> {
  // Whoever started it is gone.
  process.on("disconnect", () => process.exit(1));
  const options: RoleOptions = JSON.parse(process.argv[2] ?? "{}");
  const { service, instanceId, natsUrl, databaseUrl } = options;
  const log = createLogger({ service: instanceId, level: "debug", contracts: [] });
  const nats = await connectNats({ url: natsUrl, name: instanceId, log, waitMs: 10_000 });
  const db = openDatabase({ url: databaseUrl, applicationName: instanceId });
  const metrics = createMetrics(service);
  const settings = { replicas: 1, maxAgeMs: 60 * 60_000, maxBytes: options.maxBytes };
  const bus = openBus({
    service,
    instanceId,
    publishes,
    db,
    nats,
    settings,
    tracer: createTracer({ service }),
    metrics,
    health: createHealthChecks(),
    log,
  });
  process.on("message", (message: ToRole) => {
    if ("maxBytes" in message) settings.maxBytes = message.maxBytes;
  });
  setInterval(() => void countsOf(metrics).then((counts) => say({ counts })), countEveryMs).unref();
  say({ ready: true });
  return { options, db, bus, consume: (subscription) => bus.consume([subscription]) };
}

async function countsOf(metrics: Metrics): Promise<Counts> {
  const counts: Record<string, number> = {};
  for (const { name, samples } of await metrics.read()) {
    for (const { labels, value } of samples) {
      if (name === "weft_events_redelivered_total") counts.redelivered = value;
      if (name === "weft_events_handled_total") counts[String(labels.outcome)] = value;
      if (name === "weft_outbox_published_total") counts.published = value;
    }
  }
  return counts;
}
