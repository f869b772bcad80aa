import type { JsonObject } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { testContract } from "../testing/contract.ts";
import { callPolicyOf } from "./call-policy.ts";

const access = { public: true };
const policyOf = (options: JsonObject = {}, more: { noSideEffects?: true } = {}) => {
  const [method] = testContract({ methods: { Ask: { options: { access, ...options }, ...more } } }).methods;
  return callPolicyOf(method!);
};

describe("how calls of a method are made", () => {
  test("is usual where its contract says nothing", () => {
    expect(policyOf()).toEqual({
      name: "probe.v1.ProbeService/Ask",
      path: "/probe.v1.ProbeService/Ask",
      timeoutMs: 30_000,
      repeatable: false,
      maxAttempts: 4,
      quiet: false,
      hedge: undefined,
    });
  });

  test("follows its contract", () => {
    const policy = policyOf(
      { timeout: "1.500s", maxAttempts: 2, hedge: { delay: "0.020s" } },
      { noSideEffects: true },
    );
    expect(policy).toMatchObject({
      timeoutMs: 1500,
      repeatable: true,
      maxAttempts: 2,
      hedge: { delayMs: 20 },
    });
  });

  test("may measure when to hedge", () => {
    expect(policyOf({ hedge: {} }, { noSideEffects: true }).hedge).toEqual({ delayMs: undefined });
  });

  test("is never to hedge what has side effects", () => {
    expect(policyOf({ hedge: { delay: "0.020s" } }).hedge).toBeUndefined();
  });

  test("is read once", () => {
    const [method] = testContract({ methods: { Ask: { options: { access } } } }).methods;
    expect(callPolicyOf(method!)).toBe(callPolicyOf(method!));
  });
});
