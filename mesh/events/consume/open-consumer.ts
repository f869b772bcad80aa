import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import type { Database } from "../../db/database.ts";
import type { DeadLetters } from "../../dead-letters/dead-letters.ts";
import type { Logger } from "../../log/logger.ts";
import type { Nats } from "../../nats/nats.ts";
import type { StreamSettings } from "../../nats/streams.ts";
import { ensureStream } from "../../nats/streams.ts";
import type { Tracer } from "../../telemetry/tracer.ts";
import { streamsOf } from "../contract/event-streams.ts";
import { eventsBeside } from "../contract/event-type.ts";
import type { CompiledConsumer } from "./compile-consumers.ts";
import { consumeInOrder } from "./consume-in-order.ts";
import { consumeShared } from "./consume-shared.ts";
import type { RunningConsumer } from "./consumer.ts";
import type { ConsumerMetrics } from "./consumer-metrics.ts";
import { createHandling } from "./handling.ts";
import { createJudge } from "./judge.ts";

/** What all consumers of a service have in common. */
export interface ConsumerParts {
  readonly instanceId: string;
  readonly db: Database | undefined;
  readonly nats: Nats;
  readonly js: JetStreamClient;
  readonly jsm: Promise<JetStreamManager>;
  readonly settings: StreamSettings;
  readonly deadLetters: DeadLetters;
  readonly metrics: ConsumerMetrics;
  readonly tracer: Tracer;
  readonly log: Logger;
  readonly stopping: AbortSignal;
  readonly now: () => number;
  readonly random: () => number;
}

export function openConsumer(
  { policy, subscription }: CompiledConsumer,
  parts: ConsumerParts,
): RunningConsumer {
  const { nats, jsm, settings, instanceId: holder } = parts;
  const judge = createJudge({ ...parts, policy });
  const handling = createHandling({ ...parts, policy, subscription, judge });
  // A consumer may be there before the first who publishes.
  const plans = streamsOf(subscription.schemas.flatMap(eventsBeside));
  const ensureStreams = async () => {
    for (const plan of plans) await ensureStream(nats, await jsm, plan, settings);
  };
  const consume = policy.ordered ? consumeInOrder : consumeShared;
  return consume({ ...parts, policy, handling, ensureStreams, holder });
}
