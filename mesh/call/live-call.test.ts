import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fail } from "../errors.ts";
import { createLogger } from "../log/logger.ts";
import { createTracer } from "../telemetry/tracer.ts";
import { collectLogs } from "../testing/logs.ts";
import type { LiveCallOptions } from "./live-call.ts";
import { LiveCall } from "./live-call.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function open(more: Partial<LiveCallOptions> = {}) {
  const logs = collectLogs();
  const tracer = createTracer({ service: "probe" });
  let made = 0;
  const headers = () => {
    made++;
    return new Headers();
  };
  const call = new LiveCall({
    method: "probe.v1.ProbeService/Echo",
    requestId: "r1",
    correlationId: "c1",
    span: tracer.begin("server", "probe.v1.ProbeService/Echo", undefined),
    tracer,
    caller: {},
    userToken: "",
    envelope: {
      get requestHeader() {
        return headers();
      },
      get responseHeader() {
        return headers();
      },
      get responseTrailer() {
        return headers();
      },
    },
    client: () => ({ address: "10.0.0.1", userAgent: "test" }),
    budgetMs: 1000,
    log: createLogger({ service: "probe", level: "info", contracts: [], destination: logs }),
    ...more,
  });
  return { call, logs, made: () => made };
}

describe("a call", () => {
  test("makes its metadata only when somebody looks", () => {
    const { call, made } = open();
    expect([call.requestId, call.client.address, made()]).toEqual(["r1", "10.0.0.1", 0]);
    expect(call.requestHeader).toBeInstanceOf(Headers);
    expect(made()).toBe(1);
  });

  test("logs with its ids", () => {
    const { call, logs } = open();
    call.log.info("hello");
    expect(call.log).toBe(call.log);
    expect(logs.lines).toMatchObject([{ requestId: "r1", correlationId: "c1", message: "hello" }]);
  });

  test("tells its span to whom it calls", () => {
    const { call } = open();
    expect(call.traceparent).toMatch(new RegExp(`^00-${call.span.traceId}-${call.span.spanId}-0[01]$`));
  });
});

describe("the deadline", () => {
  test("ends the call, and not before", () => {
    const { call } = open();
    const ends = vi.fn();
    call.onEnd(ends);
    vi.advanceTimersByTime(999);
    expect(call.ended).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(ends).toHaveBeenCalledOnce();
    expect(ConnectError.from(call.ended).code).toBe(Code.DeadlineExceeded);
    expect(String(call.ended)).toContain("probe.v1.ProbeService/Echo did not end within its deadline");
  });

  test("that has passed while the event loop was busy is seen when somebody asks", () => {
    const { call } = open();
    call.expireIfLate();
    expect(call.ended).toBeUndefined();
    vi.setSystemTime(Date.now() + 1001);
    call.expireIfLate();
    expect(ConnectError.from(call.ended).code).toBe(Code.DeadlineExceeded);
  });

  test("of nothing ends it at once, and no time limit never", () => {
    const none = open({ budgetMs: 0 }).call;
    const endless = open({ budgetMs: Number.POSITIVE_INFINITY }).call;
    vi.advanceTimersByTime(2 ** 31);
    expect([none.ended !== undefined, endless.ended]).toEqual([true, undefined]);
  });

  test("leaves no timer behind when the call is over or ended", () => {
    const calls = [open().call, open().call];
    calls[0]!.finish();
    calls[1]!.end(fail.canceled("canceled", "enough"));
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(5000);
    expect(calls[0]!.ended).toBeUndefined();
  });
});

describe("a call that is ended", () => {
  const reason = fail.canceled("canceled", "enough");

  test("tells whoever listens, once, with the first reason", () => {
    const { call } = open();
    const heard: unknown[] = [];
    call.onEnd(() => heard.push(call.ended));
    const off = call.onEnd(() => heard.push("never"));
    off();
    call.end(reason);
    call.end(new Error("later"));
    vi.advanceTimersByTime(5000);
    expect(heard).toEqual([reason]);
  });

  test("aborts its signal, also one that is looked at later", () => {
    const [early, late] = [open().call, open().call];
    const { signal } = early;
    expect(signal.aborted).toBe(false);
    early.end(reason);
    late.end(reason);
    expect([signal.reason, late.signal.aborted, late.signal.reason]).toEqual([reason, true, reason]);
  });

  test("for no reason is a call that was cancelled", () => {
    const { call } = open();
    call.end(undefined);
    expect(ConnectError.from(call.ended).code).toBe(Code.Canceled);
  });
});

test("what is to be done at the end is done however the call ends, and nothing can end it then", () => {
  const { call } = open();
  const finished = vi.fn();
  const ends = vi.fn();
  call.onFinish(finished);
  call.onEnd(ends);
  call.finish();
  call.end(new Error("late"));
  expect([finished.mock.calls.length, ends.mock.calls.length]).toEqual([1, 0]);
});
