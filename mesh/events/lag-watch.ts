import type { DeadLetters } from "../dead-letters/dead-letters.ts";
import type { Logger } from "../log/logger.ts";
import type { Loop } from "../loop.ts";
import { startLoop } from "../loop.ts";
import type { Nats } from "../nats/nats.ts";
import type { RunningConsumer } from "./consume/consumer.ts";
import type { ConsumerMetrics } from "./consume/consumer-metrics.ts";

export interface LagWatchOptions {
  readonly service: string;
  readonly consumers: readonly RunningConsumer[];
  readonly deadLetters: DeadLetters;
  readonly nats: Nats;
  readonly metrics: ConsumerMetrics;
  readonly log: Logger;
  readonly stopping: AbortSignal;
}

export interface LagWatch extends Loop {
  /** How many events wait, by consumer. */
  readonly waiting: ReadonlyMap<string, number>;
}

const everyMs = 5000;

/** Looks now and then how far consumers are behind, and how many dead letters there are. */
export function startLagWatch(options: LagWatchOptions): LagWatch {
  const { service, consumers, deadLetters, nats, metrics, log, stopping } = options;
  const waiting = new Map<string, number>();
  const loop = startLoop({
    everyMs,
    stopping,
    work: async () => {
      if (consumers.length === 0 || !nats.connected()) return;
      for (const consumer of consumers) {
        const lag = await consumer.lag();
        metrics.lag(consumer.name, lag ?? { pending: 0, inHand: 0 });
        waiting.set(consumer.name, lag?.pending ?? 0);
      }
      metrics.deadLetters(await deadLetters.count(service));
    },
    failed: (err) => log.debug({ err }, "cannot see now how far consumers are"),
  });
  return { ...loop, waiting };
}
