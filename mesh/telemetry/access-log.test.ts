import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fail } from "../errors.ts";
import { createLogger } from "../log/logger.ts";
import { collectLogs } from "../testing/logs.ts";
import type { CallEntry } from "./access-log.ts";
import { createAccessLog } from "./access-log.ts";

function open(level = "info", enabled = true) {
  const logs = collectLogs();
  const log = createLogger({ service: "order", level, contracts: [], destination: logs });
  const access = createAccessLog({
    service: "order",
    log,
    destination: logs,
    enabled,
    now: () => 1_700_000_000_007,
  });
  return { access, logs, log };
}

const entry: CallEntry = {
  method: "order.v1.OrderService/CreateOrder",
  code: "ok",
  durationMs: 1.23456,
  who: "service:gateway+user:u1",
};

describe("the line of a call", () => {
  test("in has the fields of a logger's line", () => {
    const { access, logs, log } = open();
    access.in({ ...entry, peer: "10.0.0.1", requestId: "r", correlationId: "c", traceId: "t" });
    access.close();
    expect(logs.lines).toEqual([
      {
        level: "info",
        timestamp: "2023-11-14T22:13:20.007Z",
        service: "order",
        method: "order.v1.OrderService/CreateOrder",
        code: "ok",
        duration: 1.235,
        caller: "service:gateway+user:u1",
        peer: "10.0.0.1",
        requestId: "r",
        correlationId: "c",
        traceId: "t",
        message: "call",
      },
    ]);
    log.info({ method: "m" }, "call");
    expect(Object.keys(logs.lines[1] ?? {}).slice(0, 4)).toEqual(
      Object.keys(logs.lines[0] ?? {}).slice(0, 4),
    );
  });

  test("out says who was called, which instance answered and after how many tries", () => {
    const { access, logs } = open();
    access.out({ ...entry, who: "product", instance: "i1", attempts: 2 });
    access.close();
    expect(logs.lines).toMatchObject([
      { callee: "product", instance: "i1", attempts: 2, message: "call out" },
    ]);
    expect(logs.lines[0]).not.toHaveProperty("caller");
  });

  test("of a refusal says why, as information", () => {
    const { access, logs } = open();
    access.in({ ...entry, code: "not_found", error: fail.notFound("order_not_found", 'no order "7"') });
    access.close();
    expect(logs.lines).toMatchObject([
      { level: "info", code: "not_found", reason: "order_not_found", error: 'no order "7"' },
    ]);
  });

  test("gives back any text", () => {
    const text = fc
      .array(fc.oneof(fc.nat(0xffff), fc.nat(0x7f), fc.integer({ min: 0xd800, max: 0xdfff })), {
        minLength: 1,
      })
      .map((codes) => String.fromCharCode(...codes));
    const entries = fc.record({
      method: text,
      code: text.map((it) => `_${it}`),
      durationMs: fc.oneof(fc.integer({ min: 0, max: 1e9 }), fc.constant(Number.NaN)),
      who: text,
      instance: text,
      peer: text,
      requestId: text,
      correlationId: text,
      traceId: text,
      message: text,
    });
    fc.assert(
      fc.property(entries, ({ message, ...given }) => {
        const { access, logs } = open();
        access.in({ ...given, error: fail.aborted("half_way", message) });
        access.close();
        expect(logs.text.trimEnd()).not.toContain("\n");
        const { durationMs, who, ...same } = given;
        expect(logs.lines[0]).toMatchObject({
          ...same,
          caller: who,
          duration: durationMs || 0,
          reason: "half_way",
          error: message,
          message: "call",
        });
      }),
    );
  });

  test("holds no more than 2 KB of what a peer wrote", () => {
    const { access, logs } = open();
    const long = "x".repeat(100_000);
    access.in({ ...entry, peer: long, code: "aborted", error: fail.aborted("a", long) });
    access.close();
    expect(logs.text.length).toBeLessThan(5000);
  });
});

describe("a failure that is ours", () => {
  test("is written by the logger, with its cause, after what came before", () => {
    const { access, logs } = open();
    access.in(entry);
    const error = fail.internal("internal", "internal error", { cause: new Error("hunter2") });
    access.in({ ...entry, code: "internal", requestId: "r", error });
    expect(logs.lines).toMatchObject([
      { level: "info", message: "call" },
      {
        level: "error",
        message: "call failed",
        reason: "internal",
        requestId: "r",
        caller: "service:gateway+user:u1",
        err: { type: "Error", message: "hunter2", stack: expect.stringContaining("access-log.test.ts") },
      },
    ]);
    access.close();
  });

  test.each([
    ["at a level that shows no calls", "warn", true],
    ["when calls get no lines", "info", false],
  ])("is written %s, and nothing else is", (_name, level, enabled) => {
    const { access, logs } = open(level, enabled);
    expect(access.enabled).toBe(false);
    access.in(entry);
    access.out(entry);
    access.in({ ...entry, code: "internal", error: new Error("x") });
    access.close();
    expect(logs.lines).toMatchObject([{ level: "error", message: "call failed" }]);
  });

  test("of a callee is a plain line, since the callee has the cause", () => {
    const { access, logs } = open();
    access.out({ ...entry, code: "internal", error: fail.internal("internal", "internal error") });
    access.close();
    expect(logs.lines).toMatchObject([{ level: "info", code: "internal", message: "call out" }]);
  });
});
