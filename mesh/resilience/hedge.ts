import { createQuantile } from "./quantile.ts";
import { createRetryBudget, type RetryBudgetPolicy } from "./retry-budget.ts";

/** When a method's second try goes out beside the first. */
export interface HedgePolicy {
  /** The delay, as the contract has it. Default: the 95th percentile of the recent latencies. */
  readonly delayMs?: number;
  /** Never sooner than this after the first try. Default 2 ms: below it the timer costs more than it wins. */
  readonly minDelayMs: number;
  /** Latencies needed before the percentile is believed. Default 100. */
  readonly minSamples: number;
  /** Default 5 % of the calls; a quiet caller may hedge once in ten seconds. */
  readonly budget: RetryBudgetPolicy;
}

export const hedgePolicy: HedgePolicy = {
  minDelayMs: 2,
  minSamples: 100,
  budget: { ratio: 0.05, minPerSecond: 0.1, windowMs: 10_000 },
};

/** Decides on the second tries of one method. Only for methods without side effects. */
export interface Hedge {
  /** A call begins: how long to wait for it before asking `mayHedge`, or nothing when too little is known. */
  begin(): number | undefined;
  /** The delay is over without an answer: whether the second try may go out. */
  mayHedge(): boolean;
  /** How long the first try took, or had taken when the second won: leaving those out would lower the delay. */
  observed(latencyMs: number): void;
}

export interface HedgeOptions {
  /** Default `hedgePolicy`. */
  policy?: HedgePolicy;
  now: () => number;
}

export function createHedge({ policy = hedgePolicy, now }: HedgeOptions): Hedge {
  const budget = createRetryBudget({ policy: policy.budget, now });
  const slow = createQuantile(0.95);
  return {
    begin() {
      budget.deposit();
      if (policy.delayMs !== undefined) return Math.max(policy.minDelayMs, policy.delayMs);
      return slow.count < policy.minSamples ? undefined : Math.max(policy.minDelayMs, slow.value);
    },
    mayHedge: () => budget.withdraw(),
    observed: (latencyMs) => slow.add(latencyMs),
  };
}
