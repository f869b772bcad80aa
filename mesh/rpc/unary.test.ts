import { setImmediate as turn } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { LiveCall } from "../call/live-call.ts";
import { compilePolicies } from "../contract/policy.ts";
import { fail, reasonOf } from "../errors.ts";
import { ExpressArrival } from "../express/arrival.ts";
import { handlers } from "../implementation.ts";
import { createLogger } from "../log/logger.ts";
import { collectLogs } from "../testing/logs.ts";
import type { ProbeHandlers } from "../testing/probe.ts";
import { NoteSchema, ProbeService, usualHandlers } from "../testing/probe.ts";
import { silentTelemetry } from "../testing/telemetry.ts";
import type { Authenticator } from "./authenticate.ts";
import { nobody } from "./authenticate.ts";
import type { RpcOptions } from "./rpc.ts";
import { createRpc } from "./rpc.ts";
import type { Outcome } from "./unary.ts";
import { answerUnary } from "./unary.ts";

const note = (text: string) => toBinary(NoteSchema, create(NoteSchema, { text }));

function open(
  own: Partial<ProbeHandlers> = {},
  more: Partial<RpcOptions> & { authenticate?: Authenticator } = {},
) {
  const rpc = createRpc({
    implementations: [handlers(ProbeService, { ...usualHandlers, ...own })],
    policies: compilePolicies("probe", [ProbeService]),
    authenticate: () => nobody,
    telemetry: silentTelemetry("probe"),
    log: createLogger({ service: "probe", level: "silent", contracts: [], destination: collectLogs() }),
    stopping: new AbortController().signal,
    ...more,
  });
  const method = (name: string) => [...rpc.methods.values()].find((it) => it.desc.name === name)!;
  return (name: string, message: Uint8Array = note("hi"), timeoutMs = 5000) => {
    const arrival = new ExpressArrival({
      authorization: "",
      statement: "",
      timeoutMs,
      requestId: "",
      correlationId: "",
      traceparent: "",
      fields: undefined,
    });
    const outcomes: Outcome[] = [];
    const calls: LiveCall[] = [];
    const ended = new Promise<Outcome>((resolve) => {
      answerUnary(rpc, {
        method: method(name),
        arrival,
        message,
        peer: { address: "10.0.0.7", protocol: "test" },
        onCall: (call) => calls.push(call),
        onOutcome: (outcome) => {
          outcomes.push(outcome);
          resolve(outcome);
        },
      });
    });
    return { ended, calls, outcomes };
  };
}
async function failed(made: { ended: Promise<Outcome> }) {
  const outcome = await made.ended;
  if (!outcome.error) throw new Error("it was answered");
  return { code: outcome.error.code, reason: reasonOf(outcome.error), processed: outcome.processed };
}

describe("a single call", () => {
  test("is answered with the bytes of its answer, once", async () => {
    const made = open()("Echo");
    expect(await made.ended).toEqual({ bytes: note("hi") });
    await turn();
    expect([made.outcomes.length, made.calls.length]).toEqual([1, 1]);
  });

  test("may be answered at once, with a message or with the like of one", async () => {
    const ask = open({ echo: () => ({ text: "plain" }), look: () => create(NoteSchema, { text: "made" }) });
    expect(await ask("Echo").ended).toEqual({ bytes: note("plain") });
    expect(await ask("Look").ended).toEqual({ bytes: note("made") });
  });

  test("begins no handler before its turn", async () => {
    let began = 0;
    const made = open({
      echo: (it) => {
        began++;
        return it;
      },
    })("Echo");
    expect([made.calls.length, began]).toEqual([1, 0]);
    await made.ended;
    expect(began).toBe(1);
  });
});

describe("before work began", () => {
  const busy = {
    tryEnter: () => false,
    leave: () => {},
    inFlight: 7,
  } as unknown as NonNullable<RpcOptions["limit"]>;
  const cases: [what: string, code: Code, reason: string, ask: () => { ended: Promise<Outcome> }][] = [
    [
      "what cannot be read",
      Code.InvalidArgument,
      "unreadable_message",
      () => open()("Echo", Buffer.from([10, 255])),
    ],
    ["a violation", Code.InvalidArgument, "contract_violation", () => open()("Echo", note("x".repeat(101)))],
    [
      "what is too large",
      Code.ResourceExhausted,
      "message_too_large",
      () => open({}, { messageBytes: 3 })("Echo"),
    ],
    ["want of credentials", Code.Unauthenticated, "unauthenticated", () => open()("Mine")],
    ["an overload", Code.ResourceExhausted, "overloaded", () => open({}, { limit: busy })("Echo")],
    [
      "a mistake in finding out who calls",
      Code.Internal,
      "internal",
      () => open({}, { authenticate: () => Promise.reject(new Error("hunter2")) })("Mine"),
    ],
  ];
  test.each(cases)("%s ends it as not processed", async (_what, code, _reason, ask) => {
    const outcome = await failed(ask());
    expect([outcome.code, outcome.processed]).toEqual([code, false]);
  });
  test.each(cases.filter(([, , reason]) => !/unauth|internal/.test(reason)))(
    "%s is told by its reason",
    async (_what, _code, reason, ask) => {
      expect((await failed(ask())).reason).toBe(reason);
    },
  );

  test("a call that was given up begins none", async () => {
    let began = 0;
    const ask = open({
      echo: (it) => {
        began++;
        return it;
      },
    });
    const made = ask("Echo", Buffer.from([10, 255]));
    made.calls[0]!.end(fail.canceled("canceled", "enough"));
    // Not even its message is looked at.
    expect(await failed(made)).toEqual({ code: Code.Canceled, reason: "canceled", processed: false });
    expect(began).toBe(0);
  });
});

describe("once work began", () => {
  test("whatever goes wrong ends it as processed", async () => {
    const ask = open({
      wait: () => {
        throw new Error("at once");
      },
      echo: async () => {
        throw fail.aborted("busy", "later");
      },
      look: () => ({ data: new Uint8Array(4 * 1024 * 1024) }),
      refuse: () => "no message" as never,
    });
    expect(await failed(ask("Wait"))).toMatchObject({ code: Code.Internal, processed: true });
    expect(await failed(ask("Echo"))).toEqual({ code: Code.Aborted, reason: "busy", processed: true });
    expect(await failed(ask("Look"))).toMatchObject({ reason: "message_too_large", processed: true });
    expect(await failed(ask("Hang"))).toMatchObject({ code: Code.DeadlineExceeded, processed: true });
    expect(await failed(ask("Hang", note(""), 20))).toMatchObject({
      code: Code.DeadlineExceeded,
      processed: true,
    });
  });

  test("whoever ends it is heard at once, and what the handler says later is not", async () => {
    const late = Promise.withResolvers<{ text: string }>();
    const made = open({ wait: () => late.promise })("Wait");
    await turn();
    await turn();
    made.calls[0]!.end(fail.canceled("canceled", "enough"));
    expect(await failed(made)).toMatchObject({ code: Code.Canceled, processed: true });
    late.resolve({ text: "late" });
    await turn();
    expect(made.outcomes).toHaveLength(1);
  });
});
