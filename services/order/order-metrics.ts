import type { Metrics } from "#mesh";
import type { Step } from "./order-state.ts";
import type { Status } from "./status.ts";

/** How a step ended, for the count. `waiting` is a refund that is under way. */
export type StepOutcome = "done" | "refused" | "waiting" | "failed";

export interface OrderMetrics {
  changed(before: Status | undefined, status: Status): void;
  paid(afterMs: number): void;
  step(step: Step, outcome: StepOutcome): void;
}

const buckets = [1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 21_600, 86_400];

export function createOrderMetrics(metrics: Metrics): OrderMetrics {
  const changes = metrics.counter({
    name: "weft_order_status_changes_total",
    help: "Changes of orders, by what they were and are; `none` for those that are new.",
    labels: ["before", "status"],
  });
  const seconds = metrics.histogram({
    name: "weft_order_paid_seconds",
    help: "Time from the placing of an order until it was paid.",
    buckets,
  });
  const steps = metrics.counter({
    name: "weft_order_steps_total",
    help: "What other services were asked to do for orders, by how that ended. What failed is tried again.",
    labels: ["step", "outcome"],
  });
  return {
    changed: (before, status) => changes.inc({ before: before ?? "none", status }),
    paid: (afterMs) => seconds.observe(Math.max(0, afterMs) / 1000),
    step: (step, outcome) => steps.inc({ step, outcome }),
  };
}
