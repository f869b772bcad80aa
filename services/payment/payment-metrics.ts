import type { Metrics } from "#mesh";
import type { ChargeStep } from "./charge-step.ts";

/** What this service counts. */
export interface PaymentMetrics {
  ended(provider: string, outcome: ChargeStep): void;
  refunded(provider: string, outcome: string): void;
  callback(provider: string, outcome: "heeded" | "ignored" | "refused"): void;
  asked(provider: string, operation: string, outcome: string, seconds: number): void;
  showOpen(counts: Readonly<Record<"payments" | "refunds" | "orders", number>>): void;
}

const buckets = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20];

export function createPaymentMetrics(metrics: Metrics): PaymentMetrics {
  const payments = metrics.counter({
    name: "payment_payments_total",
    help: "Payments that ended, by provider and how. `surplus` came after it had been given up and goes back.",
    labels: ["provider", "outcome"],
  });
  const refunds = metrics.counter({
    name: "payment_refunds_total",
    help: "Refunds that ended, by provider and how. `came_back` had succeeded before.",
    labels: ["provider", "outcome"],
  });
  const callbacks = metrics.counter({
    name: "payment_callbacks_total",
    help: "What providers told, by provider and what was done with it. `refused` was not signed as it must be.",
    labels: ["provider", "outcome"],
  });
  const seconds = metrics.histogram({
    name: "payment_provider_seconds",
    help: "Time that a provider took to answer, by provider, operation and what the answer was.",
    labels: ["provider", "operation", "outcome"],
    buckets,
  });
  const open = metrics.gauge({
    name: "payment_open",
    help: "Payments and refunds that wait for a provider, and orders for which something is owed.",
    labels: ["what"],
  });
  return {
    ended: (provider, outcome) => payments.inc({ provider, outcome }),
    refunded: (provider, outcome) => refunds.inc({ provider, outcome }),
    callback: (provider, outcome) => callbacks.inc({ provider, outcome }),
    asked: (provider, operation, outcome, took) => seconds.observe({ provider, operation, outcome }, took),
    showOpen: (counts) => {
      for (const [what, count] of Object.entries(counts)) open.set({ what }, count);
    },
  };
}
