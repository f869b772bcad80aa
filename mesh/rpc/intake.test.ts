import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { LiveCall } from "../call/live-call.ts";
import { compilePolicies } from "../contract/policy.ts";
import { fail, reasonOf } from "../errors.ts";
import { createLogger } from "../log/logger.ts";
import type { AdaptiveLimit } from "../resilience/adaptive-limit.ts";
import { collectLogs } from "../testing/logs.ts";
import { ProbeService, usualHandlers } from "../testing/probe.ts";
import { silentTelemetry } from "../testing/telemetry.ts";
import type { Authenticator, Credentials } from "./authenticate.ts";
import { nobody } from "./authenticate.ts";
import type { Arrival, IntakeOptions } from "./intake.ts";
import { createIntake } from "./intake.ts";
import { answeredMethods } from "./method.ts";
import type { CallRecord } from "./record.ts";

const methods = answeredMethods(
  [{ contract: ProbeService, handlers: usualHandlers as never }],
  compilePolicies("probe", [ProbeService]),
);
const methodNamed = (name: string) => [...methods.values()].find((it) => it.desc.name === name)!;

function open(authenticate: Authenticator = () => nobody, more: Partial<IntakeOptions> = {}) {
  const stopping = new AbortController();
  const intake = createIntake({
    authenticate,
    telemetry: silentTelemetry("probe"),
    log: createLogger({ service: "probe", level: "info", contracts: [], destination: collectLogs() }),
    stopping: stopping.signal,
    ...more,
  });
  const arrive = (name: string, headers: Record<string, string> = {}, timeoutMs?: number) => {
    const record: CallRecord = {
      method: methodNamed(name),
      startedAt: performance.now(),
      peer: { address: "10.0.0.7", protocol: "test" },
    };
    const arrival: Arrival = {
      header: (it) => headers[it],
      timeoutMs,
      requestHeader: new Headers(),
      responseHeader: new Headers(),
      responseTrailer: new Headers(),
    };
    return {
      record,
      admit: () => intake.admit(arrival, record),
      over: (code = "ok") => intake.over(record, code),
    };
  };
  return { intake, arrive, stopping };
}

const asUser: Credentials = {
  caller: { user: { id: "u1", email: "", sessionId: "", roles: [], permissions: [] } },
  userToken: "t",
};
const asGateway: Credentials = { caller: { service: { name: "gateway", scopes: [] } }, userToken: "" };

describe("a call is let in", () => {
  test("without a promise when it is known at once who calls, else with one", async () => {
    const sync = open().arrive("Echo");
    expect(sync.admit()).not.toBeInstanceOf(Promise);
    const async = open(async () => nobody).arrive("Echo");
    const admitted = async.admit();
    expect(admitted).toBeInstanceOf(Promise);
    expect(await admitted).toBe(async.record.call);
    sync.over();
    async.over();
  });

  test("with the ids it brings when they are harmless, and with new ones otherwise", () => {
    const { arrive } = open();
    const ids = (requestId: string, correlationId: string) => {
      const it = arrive("Echo", { "x-request-id": requestId, "x-correlation-id": correlationId });
      it.admit();
      it.over();
      return it.record.ids!;
    };
    expect(ids("a-Z0.9:_", "c")).toEqual({ requestId: "a-Z0.9:_", correlationId: "c" });
    for (const bad of ["", " ", "a b", "a\nb", "ü", "x".repeat(129), 'a"b', "a/b", "@", "[", "`", "{"]) {
      const { requestId, correlationId } = ids(bad, bad);
      expect(requestId, bad).not.toBe(bad);
      expect(requestId).toMatch(/^[\w-]+$/);
      expect(correlationId).toBe(requestId);
    }
  });

  test("with the shorter of its own time and the contract's", () => {
    const { arrive } = open();
    const left = (name: string, timeoutMs?: number) => {
      const it = arrive(name, {}, timeoutMs);
      const { deadline } = it.admit() as LiveCall;
      it.over();
      return deadline - Date.now();
    };
    expect(left("Hang")).toBeLessThanOrEqual(150);
    expect(left("Hang", 50)).toBeLessThanOrEqual(50);
    expect(left("Hang", 1e9)).toBeLessThanOrEqual(150);
    expect(left("Echo", 4_294_967_295)).toBeLessThanOrEqual(30_000);
  });

  test("as part of the trace it belongs to", () => {
    const { arrive } = open();
    const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
    const it = arrive("Echo", { traceparent });
    it.admit();
    it.over();
    expect(it.record.span).toMatchObject({ traceId: "a".repeat(32), parentId: "b".repeat(16) });
  });
});

describe("where a call comes from", () => {
  const headers = {
    "x-forwarded-for": "203.0.113.9, 10.0.0.1",
    "x-forwarded-user-agent": "Browser",
    "user-agent": "mesh",
  };
  test.each([
    ["the gateway says", asGateway, { address: "203.0.113.9", userAgent: "Browser" }],
    ["nobody else may say", asUser, { address: "10.0.0.7", userAgent: "mesh" }],
  ])("%s", (_what, credentials, expected) => {
    const it = open(() => credentials).arrive("Echo", headers);
    expect((it.admit() as LiveCall).client).toEqual(expected);
    it.over();
  });
});

const errorOf = async (work: () => unknown) => {
  try {
    await work();
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("it was let in");
};

describe("a call is turned away", () => {
  const failing = (error: unknown): Authenticator[] => [
    () => {
      throw error;
    },
    async () => {
      throw error;
    },
  ];
  test("for bad credentials, but not from what is open to all", async () => {
    for (const authenticate of failing(fail.unauthenticated("bad_token", "no"))) {
      const { arrive } = open(authenticate);
      expect(reasonOf(await errorOf(arrive("Mine").admit))).toBe("bad_token");
      const it = arrive("Echo", { authorization: "Bearer mine" });
      expect(await it.admit()).toMatchObject({ caller: {}, userToken: "mine" });
      it.over();
    }
  });

  test("from what is open to all only for a mistake of ours", async () => {
    for (const authenticate of failing(fail.unavailable("issuer_away", "no"))) {
      const it = open(authenticate).arrive("Echo");
      await it.admit();
      it.over();
    }
    for (const authenticate of failing(new TypeError("undefined is not a function"))) {
      expect((await errorOf(open(authenticate).arrive("Echo").admit)).code).toBe(Code.Unknown);
    }
  });

  test("for want of the right, and its record tells who it was", async () => {
    const it = open(() => asUser).arrive("Internal");
    expect((await errorOf(it.admit)).code).toBe(Code.PermissionDenied);
    expect(it.record.call?.caller).toBe(asUser.caller);
    it.over("permission_denied");
  });
});

describe("the limit on calls at once", () => {
  function limiting(free: number) {
    const left: [number, string][] = [];
    let inFlight = 0;
    const limit = {
      tryEnter: () => inFlight < free && ++inFlight > 0,
      leave: (method: number, _ms: number, outcome: string) => {
        inFlight--;
        left.push([method, outcome]);
      },
      get inFlight() {
        return inFlight;
      },
    } as unknown as AdaptiveLimit;
    return { limit, left, inFlight: () => inFlight };
  }

  test("turns away what is too much, and of that gives no place back", async () => {
    const { limit, inFlight } = limiting(1);
    const { arrive } = open(undefined, { limit });
    const [first, second] = [arrive("Hang"), arrive("Hang")];
    first.admit();
    // Whether at once or after a wait, it is told why.
    const error = await errorOf(async () => second.admit());
    expect([error.code, reasonOf(error)]).toEqual([Code.ResourceExhausted, "overloaded"]);
    second.over("resource_exhausted");
    expect(inFlight()).toBe(1);
    first.over();
    expect(inFlight()).toBe(0);
  });

  test("learns from how calls end", () => {
    const { limit, left } = limiting(10);
    const { arrive } = open(undefined, { limit });
    for (const code of ["ok", "deadline_exceeded", "not_found"]) {
      const it = arrive("Echo");
      it.admit();
      it.over(code);
    }
    expect(left.map(([, outcome]) => outcome)).toEqual(["ok", "dropped", "ignore"]);
  });

  test("does not count streams, nor those without the right", () => {
    const { limit, inFlight } = limiting(0);
    const { arrive } = open(undefined, { limit });
    const stream = arrive("Count");
    stream.admit();
    stream.over();
    expect(() => arrive("Mine").admit()).toThrow(/needs credentials/);
    expect(inFlight()).toBe(0);
  });
});

test("a stream that may last ends when the service stops, other calls go on", () => {
  const { arrive, stopping } = open();
  const [lasting, other] = [arrive("Follow"), arrive("Echo")];
  const calls = [lasting.admit() as LiveCall, other.admit() as LiveCall];
  const over = arrive("Follow");
  const early = over.admit() as LiveCall;
  over.over();
  const reason = fail.unavailable("stopping", "going");
  stopping.abort(reason);
  const late = arrive("Follow");
  calls.push(late.admit() as LiveCall);
  expect(calls.map(({ ended }) => ended)).toEqual([reason, undefined, reason]);
  expect(early.ended, "it was over before").toBeUndefined();
  for (const it of [lasting, other, late]) it.over();
});
