import { subsetSize } from "../balance/subset.ts";
import type { ConfigOf, Fields } from "../config/fields.ts";
import { duration, integer } from "../config/fields.ts";
import { readConfig } from "../config/read.ts";
import type { BreakerPolicy } from "../resilience/breaker-policy.ts";
import { breakerPolicy } from "../resilience/breaker-policy.ts";
import type { RetryBudgetPolicy } from "../resilience/retry-budget.ts";
import { retryBudgetPolicy } from "../resilience/retry-budget.ts";

/** How a process calls others, beside what their contracts say. */
export interface ClientPolicy {
  /** Instances of one service that are used, at most. */
  readonly subsetSize: number;
  /** How long a call waits for a callee that is not there yet. */
  readonly readyMs: number;
  readonly breaker: BreakerPolicy;
  readonly retryBudget: RetryBudgetPolicy;
}

/** The variables about calls to other services. */
export const clientFields = {
  WEFT_SUBSET_SIZE: integer(1, 10_000)("Instances of one service that a process calls, at most.", {
    fallback: String(subsetSize),
  }),
  WEFT_WAIT_FOR_READY: duration("How long a call waits for a service that is not there yet.", {
    fallback: "5s",
  }),
  WEFT_RETRY_PERCENT: integer(0, 100)("Retries per hundred calls to a service, at most.", {
    fallback: String(retryBudgetPolicy.ratio * 100),
  }),
  WEFT_BREAKER_FAILURES: integer(1, 1000)("Failures in a row after which an instance is left alone.", {
    fallback: String(breakerPolicy.failuresInARow),
  }),
  WEFT_BREAKER_SUCCESS_PERCENT: integer(0, 100)(
    "Share of calls that must succeed within ten seconds for an instance to be used.",
    {
      fallback: String(breakerPolicy.minSuccessRate * 100),
    },
  ),
  WEFT_BREAKER_OPEN: duration("How long an instance is left alone at first; doubles each time.", {
    fallback: "1s",
  }),
  WEFT_BREAKER_OPEN_MAX: duration("The longest that an instance is left alone between two probes.", {
    fallback: "60s",
  }),
} satisfies Fields;

export function clientPolicyOf(values: ConfigOf<typeof clientFields>): ClientPolicy {
  return {
    subsetSize: values.WEFT_SUBSET_SIZE,
    readyMs: values.WEFT_WAIT_FOR_READY,
    breaker: {
      ...breakerPolicy,
      failuresInARow: values.WEFT_BREAKER_FAILURES,
      minSuccessRate: values.WEFT_BREAKER_SUCCESS_PERCENT / 100,
      openMs: values.WEFT_BREAKER_OPEN,
      openMaxMs: values.WEFT_BREAKER_OPEN_MAX,
    },
    retryBudget: {
      ...retryBudgetPolicy,
      ratio: values.WEFT_RETRY_PERCENT / 100,
      // None means none.
      ...(values.WEFT_RETRY_PERCENT === 0 && { minPerSecond: 0 }),
    },
  };
}

/** As it is without any variable. */
export const usualClientPolicy: ClientPolicy = clientPolicyOf(readConfig(clientFields, {}));
