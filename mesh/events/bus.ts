import type { DescMessage } from "@bufbuild/protobuf";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { Database } from "../db/database.ts";
import type { HealthChecks } from "../health/checks.ts";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { createAckedPublisher } from "../nats/acked-publisher.ts";
import type { Nats } from "../nats/nats.ts";
import type { Tracer } from "../telemetry/tracer.ts";
import { complaintOf } from "./backlog.ts";
import { consumeInOrder } from "./consume-in-order.ts";
import { consumeShared } from "./consume-shared.ts";
import type { RunningConsumer } from "./consumer.ts";
import { createConsumerMetrics } from "./consumer-metrics.ts";
import { compileConsumers } from "./consumer-policy.ts";
import { openDeadLetters } from "./dead-letters.ts";
import { publishDirectly } from "./direct.ts";
import type { EventType } from "./event-type.ts";
import { eventsBeside } from "./event-type.ts";
import type { Events } from "./events.ts";
import { createEvents } from "./events.ts";
import { createHandling } from "./handling.ts";
import { dropHandled } from "./inbox-store.ts";
import { createJudge } from "./judge.ts";
import type { Live } from "./live.ts";
import { createLive } from "./live.ts";
import type { Subscription } from "./on.ts";
import type { Take } from "./outbox-store.ts";
import { addToOutbox } from "./outbox-store.ts";
import type { Relay } from "./relay.ts";
import { createRelay } from "./relay.ts";
import { createRelayMetrics } from "./relay-metrics.ts";
import type { RelayPolicy } from "./relay-policy.ts";
import { relayPolicy } from "./relay-policy.ts";
import type { StreamPlan, StreamSettings } from "./streams.ts";
import { ensureStream } from "./streams.ts";
import { eventSubject } from "./subject.ts";

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

const ackTimeoutMs = 5000;
const watchMs = 5000;
const dayMs = 24 * 60 * 60_000;
const purgeMs = 10 * 60_000;
/** What was handled is remembered for this much longer than a stream keeps it. */
const spareMs = 2 * dayMs;
/** Longer than the queue keeps jobs that failed for good, which may be retried one day. */
const jobsMs = 45 * dayMs;
const purgeBatch = 5000;

export function openBus(options: BusOptions): Bus {
  const {
    service,
    instanceId,
    publishes,
    alsoInto = [],
    db,
    nats,
    settings,
    tracer,
    metrics,
    health,
    log,
  } = options;
  const js = jetstream(nats.connection);
  const jsm = jetstreamManager(nats.connection, { checkAPI: false });
  const publisher = createAckedPublisher(nats, ackTimeoutMs);
  const plans = [...planOf(publishes.flatMap(eventsBeside)), ...alsoInto];
  const relayMetrics = createRelayMetrics(metrics);
  const consumerMetrics = createConsumerMetrics(metrics);
  const deadLetters = openDeadLetters(nats, settings.replicas);
  const stopping = new AbortController();
  const waiting = new Map<string, number>();
  let consumers: readonly RunningConsumer[] = [];

  const relay: Relay | undefined =
    db &&
    createRelay({
      db,
      nats,
      jsm,
      publisher,
      log,
      service,
      holder: instanceId,
      metrics: relayMetrics,
      plans,
      settings,
      policy: { ...relayPolicy, ...options.relay },
    });
  const directly = publishDirectly({ nats, publisher, jsm, plans, settings });
  const take: Take = async (message, key, tx) => {
    if (!db || !relay) return directly(message);
    await addToOutbox(tx ?? db.sql, message, key);
    if (tx) relay.wakeAfter(tx);
    else relay.wake();
  };

  // Nobody asks after what a service has no part in.
  const showHealth = () =>
    health.add({
      name: "events",
      critical: false,
      check: () => {
        const complaint = complaintOf({ outbox: relayMetrics.state(), waiting });
        if (complaint) throw new Error(complaint);
      },
    });
  if (db) showHealth();

  const watch = async () => {
    if (!nats.connected()) return;
    for (const consumer of consumers) {
      const lag = await consumer.lag();
      consumerMetrics.lag(consumer.name, lag ?? { pending: 0, inHand: 0 });
      waiting.set(consumer.name, lag?.pending ?? 0);
    }
    if (consumers.length > 0) consumerMetrics.deadLetters(await deadLetters.count(service));
  };
  const purge = async (from: Database) => {
    const nowMs = Date.now();
    const before = {
      events: new Date(nowMs - settings.maxAgeMs - spareMs),
      jobs: new Date(nowMs - settings.maxAgeMs - jobsMs),
    };
    while ((await dropHandled(from.sql, before, purgeBatch)) === purgeBatch && !stopping.signal.aborted);
  };
  const purging = setInterval(() => {
    if (db)
      purge(db).catch((err: unknown) => log.debug({ err }, "cannot forget now what was handled long ago"));
  }, purgeMs).unref();
  const watching = setInterval(() => {
    watch().catch((err: unknown) => log.debug({ err }, "cannot see now how far consumers are"));
  }, watchMs).unref();

  return {
    events: createEvents({ service, publishes, take, tracer, now: Date.now }),
    live: createLive(nats, log),
    take,
    consume(subscriptions) {
      const compiled = compileConsumers(service, subscriptions, db !== undefined);
      if (!db && compiled.length > 0) showHealth();
      consumers = compiled.map(({ policy, subscription }) => {
        const handling = createHandling({
          policy,
          subscription,
          db,
          judge: createJudge({
            policy,
            db,
            deadLetters,
            metrics: consumerMetrics,
            log,
            now: Date.now,
            random: Math.random,
          }),
          metrics: consumerMetrics,
          tracer,
          log,
          stopping: stopping.signal,
          now: Date.now,
        });
        const consume = policy.ordered ? consumeInOrder : consumeShared;
        const known = subscription.schemas.flatMap(eventsBeside);
        return consume({
          policy,
          handling,
          db,
          nats,
          js,
          jsm,
          ensureStream: () => ensureAll(planOf(known)),
          metrics: consumerMetrics,
          log,
          holder: instanceId,
        });
      });
    },
    async rest() {
      clearInterval(watching);
      clearInterval(purging);
      stopping.abort();
      await Promise.all(consumers.map((consumer) => consumer.stop()));
    },
    async close() {
      clearInterval(watching);
      clearInterval(purging);
      await relay?.stop();
      publisher.close();
    },
  };

  async function ensureAll(wanted: readonly StreamPlan[]): Promise<void> {
    for (const plan of wanted) await ensureStream(nats, await jsm, plan, settings);
  }
}

function planOf(types: readonly EventType[]): StreamPlan[] {
  const groups = Map.groupBy(types, ({ stream }) => stream);
  return [...groups].map(([name, group]) => ({
    name,
    subjects: [...new Set(group.map(({ subject }) => eventSubject(subject)))],
  }));
}
