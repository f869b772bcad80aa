import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, test, vi } from "vitest";
import { runInCall } from "../call/call.ts";
import { LiveCall } from "../call/live-call.ts";
import { fail, reasonOf } from "../errors.ts";
import type { Credentials } from "../identity/credentials.ts";
import { createLogger } from "../log/logger.ts";
import { createMetrics } from "../metrics/metrics.ts";
import type { FinishedSpan } from "../telemetry/span.ts";
import { createTelemetry } from "../telemetry/telemetry.ts";
import { collectLogs } from "../testing/logs.ts";
import type { ProbeHandlers } from "../testing/probe.ts";
import { ProbeService } from "../testing/probe.ts";
import { openRpc } from "../testing/rpc.ts";
import type { ScriptedCalleeOptions } from "../testing/scripted-callee.ts";
import { instanceAt, scriptedCallee } from "../testing/scripted-callee.ts";
import type { Lanes } from "./endpoint.ts";
import { openGeneralLane } from "./general-lane.ts";
import { createLeavableClient } from "./leavable-client.ts";
import { createMeshTransport } from "./transport.ts";
import { markUnprocessed } from "./unprocessed.ts";
import { unreachable } from "./unreachable.ts";

const ends: Array<() => unknown> = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

type Streams = Lanes["stream"];

interface Options extends Omit<ScriptedCalleeOptions, "stream"> {
  own?: Partial<ProbeHandlers>;
  credentials?: Credentials;
  /** What stands between the caller and the real instance. */
  around?: (real: Streams, at: string) => Streams;
}

/** Streams to a real port; whatever instance is asked, the same server answers. */
async function open({ own, credentials, around = (real) => real, ...options }: Options = {}) {
  const rpc = await openRpc(own);
  const lane = openGeneralLane({ baseUrl: `http://127.0.0.1:${rpc.port}` });
  ends.push(
    () => rpc[Symbol.asyncDispose](),
    () => lane.close(),
  );
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
  const scripted = scriptedCallee({ ...options, stream: (at) => around(lane.transport, at) });
  const transport = createMeshTransport({ callee: scripted.callee, telemetry, credentials });
  const lines = async () => {
    await telemetry.close();
    return logs.lines;
  };
  const client = createLeavableClient(ProbeService, transport);
  return { ...scripted, rpc, spans, metrics, telemetry, client, lines };
}

const failure = (work: Promise<unknown>): Promise<ConnectError> =>
  work.then(
    () => Promise.reject(new Error("it did not fail")),
    (error: unknown) => error as ConnectError,
  );
async function all<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const got: T[] = [];
  for await (const message of messages) got.push(message);
  return got;
}
const inFlight = 'weft_rpc_client_in_flight{callee="order",service="user"}';

/** Refuses calls at these places, after it has read so many of their messages. */
const refusing =
  (error: () => Error, where: (at: string, nth: number) => boolean, reading = 0) =>
  () => {
    let nth = 0;
    return (real: Streams, at: string): Streams => ({
      unary: real.unary,
      async stream(method, signal, timeoutMs, header, input) {
        if (!where(at, nth++)) return real.stream(method, signal, timeoutMs, header, input);
        const messages = input[Symbol.asyncIterator]();
        for (let i = 0; i < reading; i++) await messages.next();
        await messages.return?.();
        throw error();
      },
    });
  };
const refused = () => {
  const error = fail.unavailable("not_processed", "the callee did not take the call");
  markUnprocessed(error);
  return error;
};

describe("a stream", () => {
  test("finds an instance, and all its messages arrive", async () => {
    const { client, counts } = await open();
    const got = await all(client.count({ number: 3n }));
    expect(got.map(({ number }) => number)).toEqual([1n, 2n, 3n]);
    expect(counts).toEqual({ begun: 1, ended: 1, tickets: 1, reports: 1 });
  });

  test("finds another instance when the first did not take it, and loses no message", async () => {
    for (const error of [refused, () => unreachable("10.0.0.1:8012", new Error("refused"))]) {
      for (const reading of [0, 1, 2]) {
        const world = await open({ around: refusing(error, (_at, nth) => nth === 0, reading)() });
        async function* numbers() {
          yield { number: 1n };
          yield { number: 2n };
          yield { number: 4n };
        }
        expect((await world.client.sum(numbers())).number).toBe(7n);
        expect(world.counts).toEqual({ begun: 2, ended: 2, tickets: 2, reports: 2 });
        expect(world.spans[0]?.attributes["weft.attempt"]).toBe(2);
      }
    }
  });

  test("loses no message that its caller gives only after the refusal", async () => {
    const { client } = await open({ around: refusing(refused, (_at, nth) => nth === 0)() });
    async function* late() {
      await sleep(30);
      yield { text: "first" };
      yield { text: "second" };
    }
    expect((await all(client.chat(late()))).map(({ text }) => text)).toEqual(["heard first", "heard second"]);
  });

  test("is not made again once an instance took it", async () => {
    let asked = 0;
    const { client, counts } = await open({
      own: {
        // biome-ignore lint/correctness/useYield: it fails before its first answer
        async *count() {
          asked++;
          throw fail.unavailable("store_unavailable", "not now");
        },
      },
    });
    expect((await failure(all(client.count({})))).code).toBe(Code.Unavailable);
    expect([asked, counts.begun, counts.ended]).toEqual([1, 1, 1]);
  });

  test("is not made again when more was read of it than is kept", async () => {
    const { client, counts } = await open({ around: refusing(refused, () => true, 3)() });
    async function* many() {
      for (let i = 0; i < 5; i++) yield { number: 1n };
    }
    expect(reasonOf(await failure(client.sum(many())))).toBe("not_processed");
    expect(counts.begun).toBe(1);
  });

  test("lets the caller's own messages end when it fails", async () => {
    const { client } = await open({ around: refusing(refused, () => true)(), readyMs: 0 });
    let cleanedUp = false;
    async function* held() {
      try {
        yield { number: 1n };
        yield { number: 2n };
      } finally {
        cleanedUp = true;
      }
    }
    const world = await open({ around: refusing(refused, () => true, 1)(), readyMs: 0 });
    await failure(world.client.sum(held()));
    await vi.waitFor(() => expect(cleanedUp).toBe(true));
    expect(client).toBeDefined();
  });
});

describe("the breaker is told of a stream", () => {
  const denied = () => fail.denied("no", "not you");

  test("that it went well once the instance took it, even if only to say no", async () => {
    const { client, reports } = await open({
      own: {
        // biome-ignore lint/correctness/useYield: it fails before its first answer
        async *count() {
          throw denied();
        },
      },
    });
    expect(reasonOf(await failure(all(client.count({}))))).toBe("no");
    expect(reports).toEqual(["succeeded"]);
  });

  test("nothing when its caller left before an instance took it", async () => {
    const asked = Promise.withResolvers<void>();
    const { client, reports } = await open({
      around: (real) => ({
        unary: real.unary,
        stream: (_method, signal) => {
          asked.resolve();
          return new Promise((_, reject) =>
            signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true }),
          );
        },
      }),
    });
    const leaving = new AbortController();
    const made = failure(all(client.count({}, { signal: leaving.signal })));
    await asked.promise;
    leaving.abort();
    expect((await made).code).toBe(Code.Canceled);
    await vi.waitFor(() => expect(reports).toEqual(["cancelled"]));
  });

  test("nothing when its caller's own messages failed", async () => {
    const { client, reports } = await open();
    async function* broken() {
      yield { number: 1n };
      throw denied();
    }
    expect((await failure(client.sum(broken()))).code).toBe(Code.PermissionDenied);
    expect(reports).toEqual(["cancelled"]);
  });
});

describe("a stream that finds nobody", () => {
  test("waits for its callee, and is made when it appears", async () => {
    const { client, directory } = await open({ instances: [] });
    const made = all(client.count({ number: 1n }));
    await sleep(30);
    directory.set([instanceAt(1)]);
    expect((await made).length).toBe(1);
  });

  test("says so in the end", async () => {
    const { client } = await open({ instances: [], readyMs: 60, random: () => 0.5 });
    const error = await failure(all(client.count({})));
    expect([error.code, reasonOf(error)]).toEqual([Code.Unavailable, "no_instance"]);
  });

  test("waits no longer than its deadline", async () => {
    const { client } = await open({ instances: [], readyMs: 10_000, random: () => 0.5 });
    const error = await failure(all(client.count({}, { timeoutMs: 60 })));
    expect([error.code, reasonOf(error)]).toEqual([Code.DeadlineExceeded, "deadline_exceeded"]);
  });

  test("waits no longer than its caller", async () => {
    const { client, spans } = await open({ instances: [], readyMs: 10_000, random: () => 0.5 });
    const leaving = new AbortController();
    const made = failure(all(client.count({}, { signal: leaving.signal })));
    await sleep(20);
    leaving.abort(new ConnectError("the user left", Code.Canceled));
    expect((await made).rawMessage).toBe("the user left");
    expect(spans.map(({ code }) => code)).toEqual(["canceled"]);
  });

  test("because all breakers are open says whose, and does not wait", async () => {
    const { client, callee, noted } = await open({
      instances: [instanceAt(4)],
      breaker: { failuresInARow: 1, openMs: 60_000 },
    });
    for (const { breaker } of callee.endpoints.all) breaker.failed(breaker.begin());
    const error = await failure(all(client.count({})));
    expect(reasonOf(error)).toBe("breaker_open");
    expect(error.rawMessage).toMatch(
      /^breaker open for order@10\.0\.0\.4:8012: 1 failures in a row, next try/,
    );
    expect(noted).toEqual(["rejected out order breaker"]);
  });
});

describe("the end of a stream", () => {
  const follow = () => {
    const seen = Promise.withResolvers<unknown>();
    const handler: ProbeHandlers["follow"] = async function* (_note, call) {
      yield { text: "here" };
      await new Promise((resolve) => call.signal.addEventListener("abort", resolve, { once: true }));
      seen.resolve(call.signal.reason);
    };
    return { handler, seen: seen.promise };
  };

  test("comes to the callee when its reader leaves early, and is seen once", async () => {
    const { handler, seen } = follow();
    const { client, spans, metrics, lines } = await open({ own: { follow: handler } });
    for await (const { text } of client.follow({})) {
      expect(text).toBe("here");
      expect(await metrics.render()).toContain(`${inFlight} 1`);
      break;
    }
    await seen;
    await vi.waitFor(() => expect(spans.length).toBe(1));
    const text = await metrics.render();
    expect(text).toContain(`${inFlight} 0`);
    expect(text).toContain('method="probe.v1.ProbeService/Follow",code="canceled",service="user"} 1');
    expect((await lines()).length).toBe(1);
  });

  test("comes when the caller's signal says so", async () => {
    const { handler, seen } = follow();
    const { client, spans } = await open({ own: { follow: handler } });
    const leaving = new AbortController();
    const made = failure(
      (async () => {
        for await (const _ of client.follow({}, { signal: leaving.signal })) leaving.abort();
      })(),
    );
    expect((await made).code).toBe(Code.Canceled);
    await seen;
    expect(spans.length).toBe(1);
  });

  test("comes with the end of the call for which it was made", async () => {
    const { handler, seen } = follow();
    const world = await open({ own: { follow: handler } });
    const { tracer } = world.telemetry;
    const parent = new LiveCall({
      method: "user.v1.UserService/GetProfile",
      requestId: "r",
      correlationId: "c",
      span: tracer.begin("server", "x", undefined),
      tracer,
      caller: {},
      userToken: "",
      envelope: {
        requestHeader: new Headers(),
        responseHeader: new Headers(),
        responseTrailer: new Headers(),
      },
      client: () => ({ address: "", userAgent: "" }),
      budgetMs: 60_000,
      log: createLogger({ service: "user", level: "silent", contracts: [], destination: collectLogs() }),
    });
    const made = failure(
      runInCall(parent, async () => {
        for await (const _ of world.client.follow({})) parent.end(fail.unavailable("stopping", "stopping"));
      }),
    );
    expect((await made).code).toBe(Code.Unavailable);
    await seen;
    expect(world.spans.map(({ span }) => span.parentId)).toEqual([parent.span.spanId]);
    await expect(runInCall(parent, () => all(world.client.follow({})))).rejects.toThrow("stopping");
  });

  test("comes at its deadline", async () => {
    const { handler, seen } = follow();
    const { client, spans } = await open({ own: { follow: handler } });
    const error = await failure(all(client.follow({}, { timeoutMs: 150 })));
    expect(error.code).toBe(Code.DeadlineExceeded);
    await seen;
    expect(spans.map(({ code }) => code)).toEqual(["deadline_exceeded"]);
  });

  test("is seen once when it went well, with metrics, span and line", async () => {
    const { client, spans, metrics, lines } = await open({ instances: [instanceAt(4)] });
    await all(client.count({ number: 2n }));
    const text = await metrics.render();
    expect(text).toContain(
      'weft_rpc_client_duration_seconds_count{callee="order",method="probe.v1.ProbeService/Count",code="ok",service="user"} 1',
    );
    expect(text).toContain(`${inFlight} 0`);
    expect(spans).toMatchObject([{ code: "ok", attributes: { "server.address": "10.0.0.4" } }]);
    expect(await lines()).toMatchObject([{ code: "ok", method: "probe.v1.ProbeService/Count" }]);
  });

  test("is an error when the messages behind the first fail", async () => {
    const { client, spans } = await open({
      own: {
        async *count() {
          yield { number: 1n };
          throw fail.precondition("no_more", "there is no more");
        },
      },
    });
    expect(reasonOf(await failure(all(client.count({}))))).toBe("no_more");
    expect(spans.map(({ code }) => code)).toEqual(["failed_precondition"]);
  });
});

describe("the proof of who calls", () => {
  test("goes along", async () => {
    let seen: string | null = null;
    const { client } = await open({
      own: {
        async *count(_note, call) {
          seen = call.requestHeader.get("authorization");
          yield {};
        },
      },
      credentials: async () => ({ authorization: "Bearer own", statement: "" }),
    });
    await all(client.count({}));
    expect(seen).toBe("Bearer own");
  });

  test("that fails is the call's failure; a call that nobody wants does not even ask for it", async () => {
    let asked = 0;
    const { client, spans } = await open({
      credentials: () => {
        asked++;
        return Promise.reject(fail.unavailable("issuer_unavailable", "away"));
      },
    });
    expect(reasonOf(await failure(all(client.count({}))))).toBe("issuer_unavailable");
    expect((await failure(all(client.count({}, { signal: AbortSignal.abort() })))).code).toBe(Code.Canceled);
    await sleep(1);
    expect([asked, spans.length]).toEqual([1, 2]);
  });
});
