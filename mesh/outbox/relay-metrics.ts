import type { Metrics } from "../metrics/metrics.ts";

export interface OutboxState {
  readonly pending: number;
  /** Age of the oldest message that waits. */
  readonly oldestMs: number;
}

export interface RelayMetrics {
  published(count: number): void;
  show(state: OutboxState): void;
  /** As it was last shown. */
  state(): OutboxState;
}

export function createRelayMetrics(metrics: Metrics): RelayMetrics {
  const published = metrics.counter({
    name: "weft_outbox_published_total",
    help: "Messages of the outbox that the broker acknowledged.",
  });
  const pending = metrics.gauge({
    name: "weft_outbox_pending",
    help: "Messages in the outbox that wait to be published; shown by the instance that publishes.",
  });
  const oldest = metrics.gauge({
    name: "weft_outbox_oldest_seconds",
    help: "Age of the oldest message in the outbox that waits.",
  });
  let last: OutboxState = { pending: 0, oldestMs: 0 };
  return {
    published: (count) => published.inc(count),
    show(state) {
      last = state;
      pending.set(state.pending);
      oldest.set(state.oldestMs / 1000);
    },
    state: () => last,
  };
}
