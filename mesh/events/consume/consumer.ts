import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import type { Database } from "../../db/database.ts";
import type { Logger } from "../../log/logger.ts";
import type { Nats } from "../../nats/nats.ts";
import type { ConsumerPolicy } from "./compile-consumers.ts";
import type { ConsumerMetrics, Lag } from "./consumer-metrics.ts";
import type { Handling } from "./handling.ts";

export interface ConsumerOptions {
  readonly policy: ConsumerPolicy;
  readonly handling: Handling;
  readonly db: Database | undefined;
  readonly nats: Nats;
  readonly js: JetStreamClient;
  readonly jsm: Promise<JetStreamManager>;
  /** Makes its streams where they are missing. */
  readonly ensureStreams: () => Promise<void>;
  readonly metrics: ConsumerMetrics;
  readonly log: Logger;
  /** This instance, among those of its service. */
  readonly holder: string;
}

export interface RunningConsumer {
  readonly name: string;
  /** How far it is behind; nothing where another instance knows. */
  lag(): Promise<Lag | undefined>;
  /** Takes nothing new, ends what is under way and hands back the rest. */
  stop(): Promise<void>;
}
