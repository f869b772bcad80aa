import { describe, expect, test } from "vitest";
import { fail } from "../errors.ts";
import type { FinishedSpan } from "./span.ts";
import { parseTraceparent } from "./trace-context.ts";
import { createTracer, traceparentOf, withSpan } from "./tracer.ts";

function open(ratio = 1) {
  const kept: FinishedSpan[] = [];
  let nowMs = 1000;
  let closed = 0;
  const tracer = createTracer({
    service: "order",
    ratio,
    now: () => nowMs,
    sinks: [{ take: (it) => void kept.push(it), close: async () => void closed++ }],
  });
  const tick = (ms: number) => {
    nowMs += ms;
  };
  return { tracer, kept, tick, closed: () => closed };
}

describe("a span", () => {
  test("under no parent begins a trace", () => {
    const { tracer } = open();
    const span = tracer.begin("server", "Echo", undefined);
    expect(span).toMatchObject({ parentId: undefined, sampled: true, startMs: 1000, kind: "server" });
    expect(parseTraceparent(traceparentOf(span))).toMatchObject({
      traceId: span.traceId,
      spanId: span.spanId,
    });
  });

  test("under a parent is of its trace and passes on its tracestate", () => {
    const { tracer } = open(0);
    const above = parseTraceparent(traceparentOf(open().tracer.begin("client", "Echo", undefined)), "v=1");
    const span = tracer.begin("server", "Echo", above);
    expect(span).toMatchObject({
      traceId: above?.traceId,
      parentId: above?.spanId,
      sampled: true,
      tracestate: "v=1",
    });
    expect(span.spanId).not.toBe(above?.spanId);
  });

  test("is kept with what it took and how it ended", () => {
    const { tracer, kept, tick } = open();
    const span = tracer.begin("client", "Echo", undefined);
    tick(5);
    tracer.end(span, { code: "ok", attributes: { "rpc.system": "grpc" } });
    expect(kept).toEqual([
      {
        service: "order",
        span,
        endMs: 1005,
        code: "ok",
        error: undefined,
        attributes: { "rpc.system": "grpc" },
      },
    ]);
  });

  test("that went well unsampled is not kept", () => {
    const { tracer, kept } = open(0);
    tracer.end(tracer.begin("server", "Echo", undefined), { code: "ok" });
    expect(kept).toEqual([]);
  });

  test("that failed is kept though unsampled, with what the caller is not told", () => {
    const { tracer, kept } = open(0);
    const cause = new TypeError("x is undefined");
    const error = fail.internal("internal", "internal error", { cause });
    tracer.end(tracer.begin("server", "Echo", undefined), { code: "internal", error });
    expect(kept[0]?.error).toMatchObject({ type: "TypeError", message: "x is undefined" });
  });

  test("never ends before it began, though the clock was set back", () => {
    const { tracer, kept, tick } = open();
    const span = tracer.begin("client", "Echo", undefined);
    tick(-500);
    tracer.end(span, { code: "ok" });
    expect(kept[0]?.endMs).toBe(1000);
  });

  test("records no more of an error than 1 KB of its message", () => {
    const { tracer, kept } = open();
    tracer.end(tracer.begin("client", "Echo", undefined), {
      code: "unknown",
      error: new Error("x".repeat(9999)),
    });
    expect(kept[0]?.error?.message).toHaveLength(1024);
  });

  test.each(["text", undefined, null, { an: "object" }])("takes %j for an error", (error) => {
    const { tracer, kept } = open();
    tracer.end(tracer.begin("client", "Echo", undefined), { code: "unknown", error });
    expect(kept).toHaveLength(1);
  });
});

test("a handler's own work is a span under the call's, and its spans are under that", async () => {
  const { tracer, kept } = open();
  const span = tracer.begin("server", "Echo", undefined);
  const answer = await withSpan({ tracer, span }, "prices", (inner) =>
    withSpan(inner, "lookup", async () => 7),
  );
  expect(answer).toBe(7);
  const [lookup, prices] = kept;
  expect(prices?.span).toMatchObject({ name: "prices", kind: "internal", parentId: span.spanId });
  expect(lookup?.span).toMatchObject({ name: "lookup", parentId: prices?.span.spanId });
});

test("a handler's own work that throws is kept with its code, and the error goes on", async () => {
  const { tracer, kept } = open(0);
  const span = tracer.begin("server", "Echo", undefined);
  const work = withSpan({ tracer, span }, "prices", () => {
    throw fail.unavailable("gone", "gone");
  });
  await expect(work).rejects.toThrow("gone");
  expect(kept).toMatchObject([{ code: "unavailable", span: { name: "prices" } }]);
});

test("closing closes the sinks", async () => {
  const { tracer, closed } = open();
  await tracer.close();
  expect(closed()).toBe(1);
});
