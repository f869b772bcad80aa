import { describe, expect, test } from "vitest";
import { readConfig } from "../config/read.ts";
import { breakerPolicy } from "../resilience/breaker-policy.ts";
import { createRetryBudget, retryBudgetPolicy } from "../resilience/retry-budget.ts";
import { clientFields, clientPolicyOf, usualClientPolicy } from "./client-policy.ts";

const policyOf = (env: Record<string, string>) => clientPolicyOf(readConfig(clientFields, env));

describe("the variables about calls to others", () => {
  test("are what is usual when they are not set", () => {
    expect(usualClientPolicy).toEqual({
      subsetSize: 32,
      readyMs: 5000,
      // What a breaker and a budget have that nobody told otherwise.
      breaker: breakerPolicy,
      retryBudget: retryBudgetPolicy,
    });
    expect(breakerPolicy).toMatchObject({
      failuresInARow: 5,
      minSuccessRate: 0.8,
      openMs: 1000,
      openMaxMs: 60_000,
    });
    expect(retryBudgetPolicy.ratio).toBe(0.2);
  });

  test("change what they name, and nothing else", () => {
    const policy = policyOf({
      WEFT_SUBSET_SIZE: "7",
      WEFT_WAIT_FOR_READY: "250ms",
      WEFT_RETRY_PERCENT: "50",
      WEFT_BREAKER_FAILURES: "9",
      WEFT_BREAKER_SUCCESS_PERCENT: "95",
      WEFT_BREAKER_OPEN: "2s",
      WEFT_BREAKER_OPEN_MAX: "30s",
    });
    expect(policy).toEqual({
      subsetSize: 7,
      readyMs: 250,
      breaker: {
        ...usualClientPolicy.breaker,
        failuresInARow: 9,
        minSuccessRate: 0.95,
        openMs: 2000,
        openMaxMs: 30_000,
      },
      retryBudget: { ...usualClientPolicy.retryBudget, ratio: 0.5 },
    });
  });

  test("that allow no retries allow none, however quiet the caller is", () => {
    const budget = createRetryBudget({
      policy: policyOf({ WEFT_RETRY_PERCENT: "0" }).retryBudget,
      now: () => 0,
    });
    for (let i = 0; i < 100; i++) budget.deposit();
    expect(budget.withdraw()).toBe(false);
  });

  test.each([
    ["WEFT_SUBSET_SIZE", "0"],
    ["WEFT_RETRY_PERCENT", "101"],
    ["WEFT_BREAKER_FAILURES", "0"],
    ["WEFT_BREAKER_SUCCESS_PERCENT", "-1"],
    ["WEFT_BREAKER_OPEN", "soon"],
    ["WEFT_WAIT_FOR_READY", "5"],
  ])("say what is wrong with %s=%s", (name, value) => {
    expect(() => policyOf({ [name]: value })).toThrow(`${name} must be`);
  });
});
