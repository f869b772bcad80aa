import { describe, expect, test } from "vitest";
import { testContract } from "../testing/contract.ts";
import { processOf } from "./process-of.ts";

describe("the process of a contract", () => {
  const methods = { Open: { options: { access: { public: true } } } };
  test("is the one that the contract names", () => {
    expect(processOf(testContract({ service: "probe", methods }))).toMatchObject({
      name: "probe",
      port: 8999,
    });
  });

  test("must be named", () => {
    expect(() => processOf(testContract({ methods }))).toThrow(/does not say which process serves it/);
  });
});
