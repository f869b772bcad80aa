import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ErrorInfoSchema, RetryInfoSchema } from "#gen/google/rpc/error_details_pb.js";
import { codeName, fail, isTimeout, reasonOf, toWireError, WeftError } from "./errors.ts";

describe("an error of the mesh", () => {
  test("carries reason, message with remedy, and facts for programs", () => {
    const error = fail.notFound("user_not_found", "no user has this id", {
      remedy: "list them",
      metadata: { id: "7" },
    });
    expect(error.code).toBe(Code.NotFound);
    expect(error.rawMessage).toBe("no user has this id; list them");
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([
      { reason: "user_not_found", domain: "weft", metadata: { id: "7" } },
    ]);
    expect(error.findDetails(RetryInfoSchema)).toEqual([]);
  });

  test("never says less than the wanted wait, whatever number it is given", () => {
    fc.assert(
      fc.property(fc.double({ min: -10, max: 1e9, noNaN: true }), (retryAfterMs) => {
        const [info] = fail.exhausted("slow_down", "too many", { retryAfterMs }).findDetails(RetryInfoSchema);
        const { seconds, nanos } = info!.retryDelay!;
        expect(nanos).toBeGreaterThanOrEqual(0);
        expect(nanos).toBeLessThan(1e9);
        const told = Number(seconds) * 1000 + nanos / 1e6;
        expect(told).toBeGreaterThanOrEqual(Math.max(0, retryAfterMs) - 1e-3);
        expect(told).toBeLessThanOrEqual(Math.max(0, retryAfterMs) + 1);
      }),
    );
  });

  test("is told from errors of the protocol library, in both directions", () => {
    expect(fail.internal("x", "y")).toBeInstanceOf(WeftError);
    expect(fail.internal("x", "y")).toBeInstanceOf(ConnectError);
    expect(new ConnectError("y", Code.Internal)).not.toBeInstanceOf(WeftError);
  });
});

describe("toWireError", () => {
  test("tells nothing of a foreign error, which stays as the cause", () => {
    const cause = new Error("password=hunter2 in /srv/secret.ts");
    const error = toWireError(cause);
    expect(error.code).toBe(Code.Internal);
    expect(JSON.stringify([error.message, error.findDetails(ErrorInfoSchema)])).not.toMatch(/hunter2|secret/);
    expect(error.cause).toBe(cause);
    expect(reasonOf(error)).toBe("internal");
  });

  test.each([["a string"], [{ code: 5 }], [null], [undefined]])("holds for %j too", (thrown) => {
    expect(toWireError(thrown).code).toBe(Code.Internal);
  });

  test("leaves errors alone that are meant for the wire", () => {
    const error = fail.denied("no", "not you");
    expect(toWireError(error)).toBe(error);
  });

  test("knows a cancelled call", () => {
    const controller = new AbortController();
    controller.abort();
    expect(toWireError(controller.signal.reason).code).toBe(Code.Canceled);
  });
});

test("reasonOf finds the reason that came over the wire, else names the code", () => {
  const foreign = new ConnectError("x", Code.NotFound);
  expect(reasonOf(foreign)).toBe("not_found");
  foreign.details.push({ desc: ErrorInfoSchema, value: { reason: "user_not_found" } });
  expect(reasonOf(foreign)).toBe("user_not_found");
  expect(reasonOf(new Error("x"))).toBe("internal");
});

test("a timeout is told from other ends of a signal", async () => {
  const timer = AbortSignal.timeout(0);
  await new Promise((resolve) => timer.addEventListener("abort", resolve));
  expect(isTimeout(timer.reason)).toBe(true);
  const others = [AbortSignal.abort().reason, new Error("TimeoutError"), { name: "TimeoutError" }, undefined];
  for (const reason of others) expect(isTimeout(reason)).toBe(false);
});

test("codeName spells codes as logs and metrics do", () => {
  expect([Code.Canceled, Code.ResourceExhausted, Code.DataLoss, 99 as Code].map(codeName)).toEqual([
    "canceled",
    "resource_exhausted",
    "data_loss",
    "unknown",
  ]);
});
