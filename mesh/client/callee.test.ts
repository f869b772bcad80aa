import { describe, expect, test } from "vitest";
import { testContract } from "../testing/contract.ts";
import { calleeOf } from "./callee.ts";

describe("the callee of a contract", () => {
  const methods = { Open: { options: { access: { public: true } } } };
  test("is the process that the contract names, at its usual port or where we are told", () => {
    const contract = testContract({ service: "probe", methods });
    expect(calleeOf(contract, {})).toEqual({ name: "probe", url: "http://127.0.0.1:8999" });
    expect(calleeOf(contract, { probe: "http://far:1" }).url).toBe("http://far:1");
  });

  test("must be named", () => {
    expect(() => calleeOf(testContract({ methods }), {})).toThrow(/does not say which process serves it/);
  });
});
