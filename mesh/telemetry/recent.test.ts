import { describe, expect, test } from "vitest";
import { createRecentSpans } from "./recent.ts";
import { createTracer } from "./tracer.ts";

function open(capacity = 3) {
  const recent = createRecentSpans({ capacity });
  let nowMs = 0;
  const tracer = createTracer({ service: "order", ratio: 1, now: () => nowMs++, sinks: [recent] });
  const call = (name: string, code = "ok") => {
    const server = tracer.begin("server", name, undefined);
    const client = tracer.begin("client", `${name} out`, server);
    tracer.end(client, { code: "ok" });
    tracer.end(server, { code });
    return server.traceId;
  };
  return { recent, tracer, call };
}

describe("recent traces", () => {
  test("are found by their id, in order of their beginning", () => {
    const { recent, call } = open();
    const id = call("Echo");
    expect(recent.trace(id).map((it) => it.span.name)).toEqual(["Echo", "Echo out"]);
    expect(recent.trace("none")).toEqual([]);
  });

  test("are listed newest first, summed up", () => {
    const { recent, call } = open(10);
    const ids = [call("A"), call("B", "internal"), call("C")];
    expect(recent.traces(2).map((it) => it.traceId)).toEqual([ids[2], ids[1]]);
    expect(recent.traces(9, true)).toEqual([
      { traceId: ids[1], startMs: 4, durationMs: 3, name: "B", service: "order", failed: true, spans: 2 },
    ]);
  });

  test("that failed are not pushed out by good ones", () => {
    const { recent, call } = open();
    const id = call("B", "internal");
    for (let count = 0; count < 50; count++) call("A");
    expect(recent.trace(id)).toMatchObject([{ code: "internal" }]);
    expect(recent.traces(100).reduce((sum, it) => sum + it.spans, 0)).toBe(4);
  });
});
