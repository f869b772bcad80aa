import type { DescMessage } from "@bufbuild/protobuf";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { Database } from "../db/database.ts";
import { openDeadLetters } from "../dead-letters/dead-letters.ts";
import type { HealthChecks } from "../health/checks.ts";
import { startForgetting } from "../inbox/forget.ts";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Nats } from "../nats/nats.ts";
import type { StreamPlan, StreamSettings } from "../nats/streams.ts";
import { openOutbox } from "../outbox/open-outbox.ts";
import type { Take } from "../outbox/outbox-store.ts";
import type { RelayPolicy } from "../outbox/relay-policy.ts";
import type { Tracer } from "../telemetry/tracer.ts";
import { complaintOf } from "./backlog.ts";
import { compileConsumers } from "./consume/compile-consumers.ts";
import type { RunningConsumer } from "./consume/consumer.ts";
import { createConsumerMetrics } from "./consume/consumer-metrics.ts";
import type { Subscription } from "./consume/on.ts";
import type { ConsumerParts } from "./consume/open-consumer.ts";
import { openConsumer } from "./consume/open-consumer.ts";
import { streamsOf } from "./contract/event-streams.ts";
import { eventsBeside } from "./contract/event-type.ts";
import type { Events } from "./events.ts";
import { createEvents } from "./events.ts";
import { startLagWatch } from "./lag-watch.ts";
import type { Live } from "./live.ts";
import { createLive } from "./live.ts";

export interface BusOptions {
  readonly service: string;
  readonly instanceId: string;
  /** What the service says it publishes. */
  readonly publishes: readonly DescMessage[];
  /** Streams of others that its outbox is emptied into as well. */
  readonly alsoInto?: readonly StreamPlan[];
  /** Nothing for a service without a database. */
  readonly db: Database | undefined;
  readonly nats: Nats;
  readonly settings: StreamSettings;
  readonly tracer: Tracer;
  readonly metrics: Metrics;
  readonly health: HealthChecks;
  readonly log: Logger;
  readonly relay?: Partial<RelayPolicy>;
}

/** A service's part in the exchange of events. */
export interface Bus {
  readonly events: Events;
  readonly live: Live;
  readonly take: Take;
  /** Begins to handle events. */
  consume(subscriptions: readonly Subscription[]): void;
  /** Takes no further events; ends those under way and hands back the rest. */
  rest(): Promise<void>;
  /** Ends publishing too. */
  close(): Promise<void>;
}

export function openBus(options: BusOptions): Bus {
  const { service, instanceId, publishes, alsoInto = [], db, nats, settings, tracer, health, log } = options;
  const jsm = jetstreamManager(nats.connection, { checkAPI: false });
  const stopping = new AbortController();
  const outbox = openOutbox({
    service,
    instanceId,
    db,
    nats,
    jsm,
    plans: [...streamsOf(publishes.flatMap(eventsBeside)), ...alsoInto],
    settings,
    policy: options.relay ?? {},
    metrics: options.metrics,
    log,
  });
  const metrics = createConsumerMetrics(options.metrics);
  const deadLetters = openDeadLetters(nats, settings.replicas);
  const parts: ConsumerParts = {
    instanceId,
    db,
    nats,
    js: jetstream(nats.connection),
    jsm,
    settings,
    deadLetters,
    metrics,
    tracer,
    log,
    stopping: stopping.signal,
    now: Date.now,
    random: Math.random,
  };
  const consumers: RunningConsumer[] = [];
  const { waiting, ended: watched } = startLagWatch({ ...parts, service, consumers });
  const { maxAgeMs } = settings;
  const forgotten =
    db && startForgetting({ db, maxAgeMs, log, now: Date.now, stopping: parts.stopping }).ended;

  // Nobody asks after what a service has no part in.
  const showHealth = () =>
    health.add({
      name: "events",
      critical: false,
      check: () => {
        const complaint = complaintOf({ outbox: outbox.state(), waiting });
        if (complaint) throw new Error(complaint);
      },
    });
  if (db) showHealth();

  return {
    events: createEvents({ service, publishes, take: outbox.take, tracer, now: Date.now }),
    live: createLive(nats, log),
    take: outbox.take,
    consume(subscriptions) {
      const compiled = compileConsumers(service, subscriptions, db !== undefined);
      if (!db && compiled.length > 0) showHealth();
      consumers.push(...compiled.map((it) => openConsumer(it, parts)));
    },
    async rest() {
      stopping.abort();
      await Promise.all(consumers.map((consumer) => consumer.stop()));
    },
    async close() {
      stopping.abort();
      await Promise.all([watched, forgotten]);
      await outbox.stop();
    },
  };
}
