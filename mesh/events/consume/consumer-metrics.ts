import type { Metrics } from "../../metrics/metrics.ts";

/** How far a consumer is behind. */
export interface Lag {
  /** Not delivered yet. */
  readonly pending: number;
  /** Delivered and not done. */
  readonly inHand: number;
}

export type Outcome = "done" | "passed" | "repeated" | "failed" | "dead";

export interface ConsumerMetrics {
  handled(consumer: string, outcome: Outcome, durationMs: number): void;
  redelivered(consumer: string): void;
  lag(consumer: string, lag: Lag): void;
  deadLetters(count: number): void;
}

export function createConsumerMetrics(metrics: Metrics): ConsumerMetrics {
  const handled = metrics.counter({
    name: "weft_events_handled_total",
    help: "Events by consumer and outcome; repeated: its effect was there already; passed: it was not concerned.",
    labels: ["consumer", "outcome"],
  });
  const seconds = metrics.histogram({
    name: "weft_event_seconds",
    help: "How long consumers took for an event.",
    labels: ["consumer"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  });
  const redelivered = metrics.counter({
    name: "weft_events_redelivered_total",
    help: "Events that were delivered to a consumer before.",
    labels: ["consumer"],
  });
  const pending = metrics.gauge({
    name: "weft_consumer_lag",
    help: "Events that wait for a consumer.",
    labels: ["consumer"],
  });
  const inHand = metrics.gauge({
    name: "weft_consumer_in_hand",
    help: "Events delivered to a consumer and not done, those that wait for another attempt included.",
    labels: ["consumer"],
  });
  const dead = metrics.gauge({
    name: "weft_dead_letters",
    help: "Events of this service's consumers that failed for good and wait for somebody.",
  });
  return {
    handled(consumer, outcome, durationMs) {
      handled.inc({ consumer, outcome });
      if (outcome !== "dead") seconds.observe({ consumer }, durationMs / 1000);
    },
    redelivered: (consumer) => redelivered.inc({ consumer }),
    lag(consumer, lag) {
      pending.set({ consumer }, lag.pending);
      inHand.set({ consumer }, lag.inHand);
    },
    deadLetters: (count) => dead.set(count),
  };
}
