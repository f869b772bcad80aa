import type { DescMethod } from "@bufbuild/protobuf";
import { create, setExtension } from "@bufbuild/protobuf";
import { MethodOptionsSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { MethodSchema, method as methodOption } from "#gen/mesh/v1/options_pb.js";
import { AuthService } from "#gen/user/v1/auth_pb.js";
import { reasonOf } from "#mesh";
import { limitFactor } from "./factor.ts";
import { defaultWindows, limitPoliciesOf } from "./policy.ts";
import { shareOf } from "./share.ts";

function limited(requests: number, seconds: number, nanos = 0): DescMethod {
  const options = create(MethodOptionsSchema);
  const stated = { rateLimit: { requests, window: { seconds: BigInt(seconds), nanos } } };
  setExtension(options, methodOption, create(MethodSchema, stated));
  const { login } = AuthService.method;
  return { ...login, proto: { ...login.proto, options } };
}

describe("policies of a method", () => {
  test("are those of all methods, where its contract states none", () => {
    expect(limitPoliciesOf(AuthService.method.validate)).toEqual([
      expect.objectContaining({ id: "", windows: defaultWindows }),
    ]);
  });

  test("have its own beside them, where it states one", () => {
    const [, own] = limitPoliciesOf(AuthService.method.login);
    expect(own).toMatchObject({
      id: "user.v1.AuthService/Login",
      windows: [{ name: "Login", requests: 20, seconds: 60 }],
    });
  });

  test("count anew when the contract changes them", () => {
    expect(limitPoliciesOf(limited(5, 10))[1]?.prefix).not.toBe(limitPoliciesOf(limited(5, 11))[1]?.prefix);
  });

  test.each([
    [0, 60, 0],
    [100_001, 60, 0],
    [5, 0, 0],
    [5, 0, 500_000_000],
    [5, 86_401, 0],
  ])("are refused for %i requests in %i s and %i ns", (requests, seconds, nanos) => {
    let reason = "";
    try {
      limitPoliciesOf(limited(requests, seconds, nanos));
    } catch (error) {
      reason = reasonOf(error);
    }
    expect(reason).toBe("bad_rate_limit");
  });
});

test("a role may do a multiple, and the best role counts", () => {
  expect(limitFactor([])).toBe(1);
  expect(limitFactor(["Viewer", "Customer"])).toBe(1);
  expect(limitFactor(["Viewer", "Developer"])).toBe(10);
  expect(limitFactor(["Admin"])).toBe(10);
  expect(limitFactor(["constructor", "__proto__"])).toBe(1);
});

test("shares of replicas make up the limit, and differ by one at most", () => {
  for (let limit = 1; limit < 30; limit++) {
    for (let replicas = 1; replicas < 8; replicas++) {
      for (const spread of [0, 1, 65_535]) {
        const shares = Array.from({ length: replicas }, (_, rank) => shareOf(limit, replicas, rank, spread));
        expect(shares.reduce((a, b) => a + b)).toBe(limit);
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
      }
    }
  }
});
