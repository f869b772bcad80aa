import { createSlidingCount } from "./sliding-count.ts";

/** How many second tries there may be. */
export interface RetryBudgetPolicy {
  /** Retries per call, at most. Default 0.2. */
  readonly ratio: number;
  /** As many per second are allowed however few the calls. Default 1. */
  readonly minPerSecond: number;
  /** What both are taken over. Default 10 s. */
  readonly windowMs: number;
}

/**
 * A fifth of the calls keeps an outage from being made worse by those who suffer
 * it. The floor of one per second lets a caller of a few calls retry at all; it is
 * not on top, so whoever calls more than five times a second adds at most a fifth.
 */
export const retryBudgetPolicy: RetryBudgetPolicy = { ratio: 0.2, minPerSecond: 1, windowMs: 10_000 };

/** Lets second tries through only as long as they are few beside first ones. */
export interface RetryBudget {
  /** A call was made: its first try, not a retry. */
  deposit(): void;
  /** Whether one more retry may go out; if so it is counted. */
  withdraw(): boolean;
  /** What is used: `20 retries of 100 calls in 10 s, 20 allowed`. */
  describe(): string;
}

export interface RetryBudgetOptions {
  /** Default `retryBudgetPolicy`. */
  policy?: RetryBudgetPolicy;
  now: () => number;
}

export function createRetryBudget({ policy = retryBudgetPolicy, now }: RetryBudgetOptions): RetryBudget {
  const calls = createSlidingCount(policy.windowMs);
  const retries = createSlidingCount(policy.windowMs);
  const floor = (policy.minPerSecond * policy.windowMs) / 1000;
  const allowed = (nowMs: number) => Math.max(floor, policy.ratio * calls.total(nowMs));
  return {
    deposit: () => calls.add(now()),
    withdraw() {
      const nowMs = now();
      if (retries.total(nowMs) + 1 > allowed(nowMs)) return false;
      retries.add(nowMs);
      return true;
    },
    describe() {
      const nowMs = now();
      const [used, of, most] = [retries.total(nowMs), calls.total(nowMs), Math.floor(allowed(nowMs))];
      return `${used} retries of ${of} calls in ${policy.windowMs / 1000} s, ${most} allowed`;
    },
  };
}
