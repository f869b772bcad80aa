import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { runInCall } from "../call/call.ts";
import { LiveCall } from "../call/live-call.ts";
import { fail, reasonOf } from "../errors.ts";
import type { Credentials } from "../identity/credentials.ts";
import { createLogger } from "../log/logger.ts";
import { createMetrics } from "../metrics/metrics.ts";
import type { FinishedSpan } from "../telemetry/span.ts";
import { createTelemetry } from "../telemetry/telemetry.ts";
import { testContract } from "../testing/contract.ts";
import { collectLogs } from "../testing/logs.ts";
import { ProbeService } from "../testing/probe.ts";
import type { ScriptedCalleeOptions, Try } from "../testing/scripted-callee.ts";
import { emptyAnswer, failures, instanceAt, scriptedCallee } from "../testing/scripted-callee.ts";
import { createMeshTransport } from "./transport.ts";

const noteOf = (text: string) => {
  const schema = ProbeService.method.look.output;
  return toBinary(schema, create(schema, { text }));
};
const answering =
  (text = "seen") =>
  ({ settle }: Try) =>
    queueMicrotask(() => settle.answered({ ...emptyAnswer, message: noteOf(text) }));

function open({ credentials, ...options }: ScriptedCalleeOptions & { credentials?: Credentials } = {}) {
  const spans: FinishedSpan[] = [];
  const logs = collectLogs();
  const metrics = createMetrics("user");
  const log = createLogger({ service: "user", level: "info", contracts: [], destination: logs });
  const telemetry = createTelemetry({
    service: "user",
    log,
    destination: logs,
    metrics,
    traceRatio: 1,
    sinks: [{ take: (span) => void spans.push(span), close: async () => {} }],
  });
  const scripted = scriptedCallee(options);
  const transport = createMeshTransport({ callee: scripted.callee, telemetry, credentials });
  const lines = async () => {
    await telemetry.close();
    return logs.lines;
  };
  return {
    ...scripted,
    spans,
    metrics,
    telemetry,
    transport,
    lines,
    client: createClient(ProbeService, transport),
  };
}

/** A call that is being answered here. */
function parentCall(world: ReturnType<typeof open>, budgetMs: number): LiveCall {
  const { tracer } = world.telemetry;
  return new LiveCall({
    method: "user.v1.UserService/GetProfile",
    requestId: "parent-request",
    correlationId: "parent-correlation",
    span: tracer.begin("server", "user.v1.UserService/GetProfile", undefined),
    tracer,
    caller: {},
    userToken: "the user's token",
    envelope: {
      requestHeader: new Headers(),
      responseHeader: new Headers(),
      responseTrailer: new Headers(),
    },
    client: () => ({ address: "", userAgent: "" }),
    budgetMs,
    log: createLogger({ service: "user", level: "silent", contracts: [], destination: collectLogs() }),
  });
}

const failure = (work: Promise<unknown>): Promise<ConnectError> =>
  work.then(
    () => Promise.reject(new Error("it did not fail")),
    (error: unknown) => error as ConnectError,
  );

describe("the time that a call has", () => {
  const timeOf = async (timeoutMs: number | undefined, parentMs?: number) => {
    const world = open({ onTry: answering() });
    const look = () => world.client.look({}, timeoutMs === undefined ? {} : { timeoutMs });
    if (parentMs === undefined) await look();
    else {
      const parent = parentCall(world, parentMs);
      await runInCall(parent, look);
      parent.finish();
    }
    return world.tries[0]!.timeoutMs;
  };

  test("is what its contract gives it", async () => {
    expect(await timeOf(undefined)).toBeGreaterThan(29_000);
    const { methods } = testContract({
      methods: { Short: { options: { access: { public: true }, timeout: "0.400s" } } },
    });
    const world = open({ onTry: answering() });
    await world.transport.unary(methods[0] as never, undefined, 60_000, undefined, {} as never);
    expect(world.tries[0]?.timeoutMs).toBeLessThanOrEqual(400);
  });

  test("is what the caller wants, when that is less", async () => {
    expect(await timeOf(700)).toBeLessThanOrEqual(700);
    expect(await timeOf(700, 60_000)).toBeLessThanOrEqual(700);
  });

  test("is what is left of the call for which it is made, when that is less", async () => {
    expect(await timeOf(undefined, 900)).toBeLessThanOrEqual(900);
    expect(await timeOf(5000, 900)).toBeLessThanOrEqual(900);
  });

  test("is not cut to nothing by a caller who gives none", async () => {
    expect(await timeOf(0)).toBeGreaterThan(29_000);
  });

  test("is over before it begins when nothing is left", async () => {
    const world = open();
    const parent = parentCall(world, 0);
    await sleep(2);
    expect((await failure(runInCall(parent, () => world.client.look({})))).code).toBe(Code.DeadlineExceeded);
    expect(world.tries).toEqual([]);
    parent.finish();
  });

  test("is not overrun by waiting for the proof of who calls", async () => {
    const world = open({ credentials: () => new Promise(() => {}) });
    const error = await failure(world.client.look({}, { timeoutMs: 30 }));
    expect([error.code, reasonOf(error)]).toEqual([Code.DeadlineExceeded, "deadline_exceeded"]);
    expect(error.rawMessage).toContain("did not end within its 30 ms");
    expect(world.callee.bulkhead.inFlight).toBe(0);
  });
});

describe("a call takes along", () => {
  test("the ids, the trace and the proof of the call for which it is made", async () => {
    const asked: unknown[] = [];
    const world = open({
      onTry: answering(),
      credentials: (callee, call) => {
        asked.push(callee, call?.requestId, call?.userToken);
        return { authorization: "Bearer own", statement: "for the user", fields: ["x-more", "1"] };
      },
    });
    const parent = parentCall(world, 1000);
    await runInCall(parent, () => world.client.look({ text: "a" }, { headers: { "x-mine": "2" } }));
    const { request } = world.tries[0]!;
    expect(request).toMatchObject({
      path: "/probe.v1.ProbeService/Look",
      authorization: "Bearer own",
      statement: "for the user",
      correlationId: "parent-correlation",
      fields: ["x-mine", "2", "x-more", "1"],
      message: noteOf("a"),
    });
    expect(asked).toEqual(["order", "parent-request", "the user's token"]);
    expect(request.requestId).not.toBe("parent-request");
    const [span] = world.spans;
    expect(request.traceparent).toBe(`00-${parent.span.traceId}-${span?.span.spanId}-01`);
    expect(span?.span).toMatchObject({ parentId: parent.span.spanId, kind: "client" });
    parent.finish();
  });

  test("an id and a trace of its own when it is the first", async () => {
    const world = open({ onTry: answering() });
    await world.client.look({});
    const { request } = world.tries[0]!;
    expect(request.requestId).not.toBe("");
    // Its own id is taken for it by whoever gets none.
    expect(["", request.requestId]).toContain(request.correlationId);
    expect(world.spans[0]?.span.parentId).toBeUndefined();
    expect(request).toMatchObject({ authorization: "", statement: "", fields: undefined });
  });

  test("the same id at each try", async () => {
    let first = true;
    const world = open({
      onTry: (it) => {
        if (!first) return answering()(it);
        first = false;
        queueMicrotask(() => it.settle.failed(failures.leaving()));
      },
    });
    await world.client.look({});
    expect(world.tries.length).toBe(2);
    expect(world.tries[0]?.request.requestId).toBe(world.tries[1]?.request.requestId);
  });
});

test("metadata goes both ways", async () => {
  const world = open({
    onTry: ({ settle, request }) =>
      settle.answered({
        header: ["x-heard", request.fields?.[1] ?? ""],
        trailer: ["x-behind", "a", "x-behind", "b"],
        message: noteOf("seen"),
      }),
  });
  let header = new Headers();
  let trailer = new Headers();
  const answer = await world.client.look(
    {},
    {
      headers: { "x-said": "hello" },
      onHeader: (it) => {
        header = it;
      },
      onTrailer: (it) => {
        trailer = it;
      },
    },
  );
  expect(answer.text).toBe("seen");
  expect(header.get("x-heard")).toBe("hello");
  expect(header.get("x-request-id")).toBe(world.tries[0]?.request.requestId);
  expect(trailer.get("x-behind")).toBe("a, b");
});

test("an answer that is not of its type is an error that says so", async () => {
  const world = open({
    onTry: ({ settle }) => settle.answered({ ...emptyAnswer, message: new Uint8Array([255]) }),
  });
  const error = await failure(world.client.look({}));
  expect([error.code, reasonOf(error)]).toEqual([Code.Internal, "unreadable_answer"]);
  expect(world.callee.bulkhead.inFlight).toBe(0);
});

describe("the bulkhead", () => {
  const narrow = { maxInFlight: 1, maxWaiting: 1 };

  test("makes calls wait for each other, and turns away those for whom there is no room", async () => {
    const world = open({ bulkhead: narrow });
    const first = world.client.look({});
    const second = world.client.look({});
    const error = await failure(world.client.look({}));
    expect([error.code, reasonOf(error)]).toEqual([Code.ResourceExhausted, "bulkhead_full"]);
    expect(world.noted).toEqual(["rejected out order bulkhead"]);
    expect(world.tries.length).toBe(1);
    world.tries[0]?.settle.answered({ ...emptyAnswer, message: noteOf("1") });
    expect((await first).text).toBe("1");
    await vi.waitFor(() => expect(world.tries.length).toBe(2));
    world.tries[1]?.settle.answered({ ...emptyAnswer, message: noteOf("2") });
    expect((await second).text).toBe("2");
    expect(world.callee.bulkhead.inFlight).toBe(0);
  });

  test("holds nobody longer than the deadline", async () => {
    const world = open({ bulkhead: narrow });
    const first = failure(world.client.look({}, { timeoutMs: 60 }));
    const error = await failure(world.client.look({}, { timeoutMs: 20 }));
    expect([error.code, reasonOf(error)]).toEqual([Code.DeadlineExceeded, "bulkhead_wait"]);
    expect(world.noted).toEqual(["rejected out order bulkhead"]);
    await first;
    expect(world.callee.bulkhead).toMatchObject({ inFlight: 0, waiting: 0 });
  });

  test("lets go of whoever loses interest: while waiting, and before", async () => {
    const world = open({ bulkhead: narrow });
    const first = world.client.look({});
    const leaving = new AbortController();
    const second = failure(world.client.look({}, { signal: leaving.signal }));
    await Promise.resolve();
    leaving.abort(new ConnectError("the user left", Code.Canceled));
    expect((await second).rawMessage).toBe("the user left");
    expect((await failure(world.client.look({}, { signal: leaving.signal }))).code).toBe(Code.Canceled);
    expect(world.callee.bulkhead).toMatchObject({ inFlight: 1, waiting: 0 });
    world.tries[0]?.settle.answered(emptyAnswer);
    await first;
    expect(world.callee.bulkhead.inFlight).toBe(0);
  });
});

describe("a caller who loses interest", () => {
  test("ends the call by its signal, which keeps no listener of calls that are over", async () => {
    const world = open();
    const { signal, abort } = listened();
    const answered = world.client.look({}, { signal });
    await vi.waitFor(() => expect(world.tries.length).toBe(1));
    expect(signal.listening).toBe(1);
    world.tries[0]?.settle.answered(emptyAnswer);
    await answered;
    expect(signal.listening).toBe(0);
    const left = failure(world.client.look({}, { signal }));
    await vi.waitFor(() => expect(world.tries.length).toBe(2));
    abort(new Error("gone"));
    expect((await left).code).toBe(Code.Canceled);
    expect(world.tries[1]?.cancelled).toBe(true);
    expect(signal.listening).toBe(0);
  });

  test("by a signal that is a time ends it as a deadline does", async () => {
    const world = open();
    const error = await failure(world.client.look({}, { signal: AbortSignal.timeout(10) }));
    expect([error.code, reasonOf(error)]).toEqual([Code.DeadlineExceeded, "deadline_exceeded"]);
  });

  test("while the proof is awaited is not kept waiting, whatever becomes of the proof", async () => {
    const proof = Promise.withResolvers<never>();
    const world = open({ credentials: () => proof.promise });
    const leaving = new AbortController();
    const left = failure(world.client.look({}, { signal: leaving.signal }));
    await Promise.resolve();
    leaving.abort();
    expect((await left).code).toBe(Code.Canceled);
    proof.reject(fail.unavailable("issuer_unavailable", "late"));
    await sleep(1);
    expect(world.callee.bulkhead.inFlight).toBe(0);
  });

  test("is the call for which it is made, once that ends", async () => {
    const world = open();
    const parent = parentCall(world, 10_000);
    const made = failure(runInCall(parent, () => world.client.look({})));
    await vi.waitFor(() => expect(world.tries.length).toBe(1));
    parent.end(fail.unavailable("stopping", "this instance is stopping"));
    expect(reasonOf(await made)).toBe("stopping");
    expect(world.tries[0]?.cancelled).toBe(true);
    expect((await failure(runInCall(parent, () => world.client.look({})))).code).toBe(Code.Unavailable);
    expect(world.tries.length).toBe(1);
  });
});

describe("each call is seen once", () => {
  test("when it went well", async () => {
    const world = open({ instances: [instanceAt(4)], onTry: answering() });
    await world.client.look({});
    const text = await world.metrics.render();
    expect(text).toContain(
      'weft_rpc_client_duration_seconds_count{callee="order",method="probe.v1.ProbeService/Look",code="ok",service="user"} 1',
    );
    expect(text).toContain('weft_rpc_client_in_flight{callee="order",service="user"} 0');
    expect(world.spans).toMatchObject([
      {
        code: "ok",
        error: undefined,
        span: { name: "probe.v1.ProbeService/Look", kind: "client" },
        attributes: { "peer.service": "order", "server.address": "10.0.0.4", "server.port": 8012 },
      },
    ]);
    const lines = await world.lines();
    expect(lines).toMatchObject([{ method: "probe.v1.ProbeService/Look", code: "ok" }]);
    expect(lines[0]?.requestId).toBe(world.tries[0]?.request.requestId);
  });

  test("when it failed, with its code, the number of tries and where it went last", async () => {
    const world = open({
      instances: [instanceAt(4), instanceAt(5)],
      onTry: ({ settle }) => settle.failed(failures.broken()),
      budget: { ratio: 1, minPerSecond: 100, windowMs: 10_000 },
    });
    expect((await failure(world.client.look({}))).code).toBe(Code.Unavailable);
    expect(await world.metrics.render()).toContain('code="unavailable",service="user"} 1');
    expect(world.spans.length).toBe(1);
    expect(world.spans[0]).toMatchObject({ code: "unavailable", attributes: { "weft.attempt": 4 } });
    expect(world.spans[0]?.error?.message).toContain("tried 4 times");
    const [line, ...more] = await world.lines();
    expect(more).toEqual([]);
    expect(line).toMatchObject({ code: "unavailable", attempts: 4 });
    expect(line?.instance).toBe(world.tries.at(-1)?.at);
  });

  test("when it never found its way out", async () => {
    const world = open({ instances: [], readyMs: 0 });
    await failure(world.client.look({}));
    expect(world.spans.map(({ code }) => code)).toEqual(["unavailable"]);
    expect((await world.lines()).length).toBe(1);
  });
});

test("whatever happens to calls, each leaves the bulkhead and settles once", async () => {
  const outcome = fc.record({
    kind: fc.constantFrom(
      "answered",
      "answer",
      "absent",
      "leaving",
      "overloaded",
      "broken",
      "never",
      "throws",
    ),
    abort: fc.constantFrom("no", "before", "soon"),
    proof: fc.constantFrom("now", "later", "refused", "never"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(outcome, { minLength: 1, maxLength: 8 }), async (outcomes) => {
      let asked = 0;
      let tried = 0;
      const world = open({
        bulkhead: { maxInFlight: 2, maxWaiting: 3 },
        readyMs: 0,
        credentials: () => {
          const { proof } = outcomes[asked++ % outcomes.length]!;
          const shown = { authorization: "", statement: "" };
          if (proof === "now") return shown;
          if (proof === "later") return Promise.resolve(shown);
          return proof === "never"
            ? new Promise(() => {})
            : Promise.reject(fail.unavailable("issuer_unavailable", "away"));
        },
        onTry: ({ settle }) => {
          const { kind } = outcomes[tried++ % outcomes.length]!;
          if (kind === "never") return;
          if (kind === "throws") throw new Error("a lane with a bug");
          if (kind === "answered") settle.answered(emptyAnswer);
          else settle.failed(failures[kind as keyof typeof failures]());
        },
      });
      let settled = 0;
      const made = outcomes.map(({ abort }) => {
        const leaving = new AbortController();
        if (abort === "before") leaving.abort();
        const call = world.client.look({}, { timeoutMs: 15, signal: leaving.signal });
        if (abort === "soon") queueMicrotask(() => leaving.abort());
        return call.then(
          () => settled++,
          () => settled++,
        );
      });
      await Promise.all(made);
      expect(settled).toBe(outcomes.length);
      expect(world.callee.bulkhead).toMatchObject({ inFlight: 0, waiting: 0 });
      expect(world.counts.ended).toBe(world.counts.begun);
      expect(world.counts.reports).toBe(world.counts.tickets);
      expect(world.spans.length).toBe(outcomes.length);
      expect(await world.metrics.render()).toContain(
        'weft_rpc_client_in_flight{callee="order",service="user"} 0',
      );
    }),
    { numRuns: 60 },
  );
});

/** A signal that tells how many listen to it. */
function listened() {
  const controller = new AbortController();
  let listening = 0;
  const signal = controller.signal as AbortSignal & { readonly listening: number };
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  Object.defineProperties(signal, {
    listening: { get: () => listening },
    addEventListener: {
      value: (...args: Parameters<typeof add>) => {
        listening++;
        add(...args);
      },
    },
    removeEventListener: {
      value: (...args: Parameters<typeof remove>) => {
        listening--;
        remove(...args);
      },
    },
  });
  return { signal, abort: (reason: unknown) => controller.abort(reason) };
}
