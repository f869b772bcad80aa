import type { JetStreamManager } from "@nats-io/jetstream";
import type { Database } from "../db/database.ts";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { createAckedPublisher } from "../nats/acked-publisher.ts";
import type { Nats } from "../nats/nats.ts";
import type { StreamPlan, StreamSettings } from "../nats/streams.ts";
import type { Take } from "./outbox-store.ts";
import { addToOutbox } from "./outbox-store.ts";
import { publishDirectly } from "./publish-directly.ts";
import { createRelay } from "./relay.ts";
import { createRelayMetrics } from "./relay-metrics.ts";
import type { RelayPolicy } from "./relay-policy.ts";
import { relayPolicy } from "./relay-policy.ts";

export interface OutboxOptions {
  readonly service: string;
  readonly instanceId: string;
  /** Nothing for a service without a database: then the broker itself takes each message. */
  readonly db: Database | undefined;
  readonly nats: Nats;
  readonly jsm: Promise<JetStreamManager>;
  readonly plans: readonly StreamPlan[];
  readonly settings: StreamSettings;
  readonly policy: Partial<RelayPolicy>;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Where a service's messages begin their way. */
export interface Outbox {
  readonly take: Take;
  /** What waits here to be published, as far as this instance is the one that publishes. */
  state(): { readonly pending: number; readonly oldestMs: number };
  stop(): Promise<void>;
}

const ackTimeoutMs = 5000;

export function openOutbox(options: OutboxOptions): Outbox {
  const { service, instanceId, db, nats, jsm, plans, settings, policy, log } = options;
  const publisher = createAckedPublisher(nats, ackTimeoutMs);
  const metrics = createRelayMetrics(options.metrics);
  if (!db) {
    return {
      take: publishDirectly({ nats, publisher, jsm, plans, settings }),
      state: metrics.state,
      stop: async () => publisher.close(),
    };
  }
  const relay = createRelay({
    db,
    nats,
    jsm,
    publisher,
    log,
    service,
    holder: instanceId,
    metrics,
    plans,
    settings,
    policy: { ...relayPolicy, ...policy },
  });
  return {
    async take(message, key, tx) {
      await addToOutbox(tx ?? db.sql, message, key);
      if (tx) relay.wakeAfter(tx);
      else relay.wake();
    },
    state: metrics.state,
    async stop() {
      await relay.stop();
      publisher.close();
    },
  };
}
