import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { describe, expect, test, vi } from "vitest";
import { compilePolicies } from "../contract/policy.ts";
import { fail, reasonOf } from "../errors.ts";
import { handlers } from "../implementation.ts";
import { createLogger } from "../log/logger.ts";
import { createMetrics } from "../metrics/metrics.ts";
import type { Authenticator } from "../rpc/authenticate.ts";
import { nobody } from "../rpc/authenticate.ts";
import { createRpc } from "../rpc/rpc.ts";
import { collectLogs } from "../testing/logs.ts";
import type { Note, ProbeHandlers } from "../testing/probe.ts";
import { ProbeService, usualHandlers } from "../testing/probe.ts";
import { instanceAt, requestWithin, scriptedDirectory } from "../testing/scripted-callee.ts";
import { silentTelemetry } from "../testing/telemetry.ts";
import { usualClientPolicy } from "./client-policy.ts";
import type { LaneAnswer, LaneRequest } from "./lane.ts";
import { localLanes } from "./lanes.ts";
import { createLocalLane } from "./local-lane.ts";
import { neighbour, settleHere } from "./neighbours.ts";
import { createNetwork } from "./network.ts";

const { input } = ProbeService.method.echo;

function open(own: Partial<ProbeHandlers> = {}, authenticate: Authenticator = () => nobody) {
  const metrics = createMetrics("probe");
  const rpc = createRpc({
    implementations: [handlers(ProbeService, { ...usualHandlers, ...own })],
    policies: compilePolicies("probe", [ProbeService]),
    authenticate,
    telemetry: silentTelemetry("probe", metrics),
    log: createLogger({ service: "probe", level: "silent", contracts: [], destination: collectLogs() }),
    stopping: new AbortController().signal,
    messageBytes: 1000,
  });
  return { rpc, metrics, lane: createLocalLane(rpc) };
}

type Told =
  | { answer: Note; header: readonly string[] | undefined; trailer: readonly string[] | undefined }
  | { code: Code; reason: string; processed: boolean; message: string };

/** Makes a try; `told` has everything that was told of it. */
function start(
  { lane }: ReturnType<typeof open>,
  method: string,
  note: Partial<Note> = {},
  more: Partial<LaneRequest> = {},
) {
  const told: Told[] = [];
  const request: LaneRequest = {
    ...requestWithin(5000),
    path: `/probe.v1.ProbeService/${method}`,
    message: toBinary(input, create(input, note as never)),
    ...more,
  };
  const giveUp = lane.start(request, {
    answered: (answer: LaneAnswer) => {
      if ("stream" in answer) throw new Error("not of this lane");
      told.push({
        answer: fromBinary(input, answer.message),
        header: answer.header,
        trailer: answer.trailer,
      });
    },
    failed: ({ error, processed }) =>
      told.push({ code: error.code, reason: reasonOf(error), processed, message: error.rawMessage }),
  });
  const outcome = async () => {
    await vi.waitFor(() => expect(told.length).toBe(1), { interval: 1 });
    return told[0]!;
  };
  return { told, giveUp, outcome };
}

describe("a call without a socket", () => {
  test("is answered by the same handlers, with metadata both ways", async () => {
    const world = open({
      echo: ({ text }, call) => {
        call.responseHeader.set("x-heard", call.requestHeader.get("x-said") ?? "");
        call.responseTrailer.set("x-behind", "1");
        return { text: `${text}, ${call.requestId}, ${call.correlationId}` };
      },
    });
    const told = await start(world, "Echo", { text: "a" }, { fields: ["x-said", "hello"] }).outcome();
    expect(told).toMatchObject({
      answer: { text: "a, r1, c1" },
      header: ["x-heard", "hello"],
      trailer: ["x-behind", "1"],
    });
  });

  test("gives and takes copies: nobody's object is another's", async () => {
    const kept = create(input, { text: "kept", data: new Uint8Array([1, 2, 3]), notes: [{ text: "inner" }] });
    let taken: Note | undefined;
    const world = open({
      echo: (note) => {
        taken = note;
        return kept;
      },
    });
    const asked = create(input, { text: "asked", data: new Uint8Array([7]) });
    const told = await start(world, "Echo", asked).outcome();
    if (!("answer" in told)) throw new Error("it failed");
    expect(told.answer).not.toBe(kept);
    told.answer.text = "spoilt";
    told.answer.data.fill(9);
    told.answer.notes[0]!.text = "spoilt";
    expect([kept.text, [...kept.data], kept.notes[0]?.text]).toEqual(["kept", [1, 2, 3], "inner"]);
    taken!.text = "spoilt";
    taken!.data.fill(9);
    expect([asked.text, [...asked.data]]).toEqual(["asked", [7]]);
  });

  test.each<[string, string, Partial<Note>, Partial<LaneRequest>, object]>([
    [
      "validation",
      "Echo",
      { text: "x".repeat(101) },
      {},
      { code: Code.InvalidArgument, reason: "contract_violation", processed: false },
    ],
    ["access", "Mine", {}, {}, { code: Code.Unauthenticated, processed: false }],
    ["the callers that it names", "Internal", {}, {}, { code: Code.Unauthenticated, processed: false }],
    ["its own deadline", "Hang", {}, {}, { code: Code.DeadlineExceeded, processed: true }],
    [
      "the caller's deadline",
      "Wait",
      {},
      { timeoutMs: 30 },
      { code: Code.DeadlineExceeded, processed: true },
    ],
    [
      "the size of messages",
      "Echo",
      { data: new Uint8Array(1001) },
      {},
      { code: Code.ResourceExhausted, reason: "message_too_large", processed: false },
    ],
    [
      "what it does not have",
      "Nothing",
      {},
      {},
      { code: Code.Unimplemented, reason: "unimplemented", processed: false },
    ],
    [
      "errors of its handlers",
      "Refuse",
      {},
      {},
      { code: Code.NotFound, reason: "note_not_found", processed: true },
    ],
    [
      "what its errors hide",
      "Break",
      {},
      {},
      { code: Code.Internal, message: expect.not.stringContaining("hunter2") },
    ],
  ])("holds to the contract: %s", async (_what, method, note, more, expected) => {
    expect(await start(open(), method, note, more).outcome()).toMatchObject(expected);
  });

  test("shows who calls to the same authenticator", async () => {
    const world = open({}, (metadata) => {
      expect(metadata.header("authorization")).toBe("Bearer own");
      return { caller: { service: { name: "gateway", scopes: [] } }, userToken: "" };
    });
    const told = await start(world, "Internal", {}, { authorization: "Bearer own" }).outcome();
    expect(told).toMatchObject({ answer: { text: "gateway" } });
  });

  test("is counted as any other", async () => {
    const world = open();
    await start(world, "Echo").outcome();
    await start(world, "Refuse").outcome();
    const text = await world.metrics.render();
    expect(text).toContain('method="probe.v1.ProbeService/Echo",code="ok"');
    expect(text).toContain('method="probe.v1.ProbeService/Refuse",code="not_found"');
  });
});

describe("a call without a socket that is given up", () => {
  test("ends its handler, and nothing more is told", async () => {
    const ended = Promise.withResolvers<unknown>();
    const began = Promise.withResolvers<void>();
    const world = open({
      wait: (_note, call) => {
        began.resolve();
        call.onEnd(() => ended.resolve(call.ended));
        return new Promise(() => {});
      },
    });
    const { told, giveUp } = start(world, "Wait");
    await began.promise;
    giveUp();
    expect(reasonOf(await ended.promise)).toBe("canceled");
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(told).toEqual([]);
  });

  test("before it was let in never comes to its handler", async () => {
    const known = Promise.withResolvers<void>();
    let handled = 0;
    const world = open(
      {
        echo: (note) => {
          handled++;
          return note;
        },
      },
      () => known.promise.then(() => nobody),
    );
    const { told, giveUp } = start(world, "Mine");
    const unknown = start(world, "Nothing");
    const other = start(world, "Echo");
    giveUp();
    unknown.giveUp();
    other.giveUp();
    known.resolve();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([told, unknown.told, other.told, handled]).toEqual([[], [], [], 0]);
  });

  test("after its end is left as it is", async () => {
    const { giveUp, outcome, told } = start(open(), "Echo", { text: "a" });
    await outcome();
    giveUp();
    expect(told.length).toBe(1);
  });
});

test("an error that a handler throws again and again stays one error", async () => {
  const shared = fail.notFound("note_not_found", "no note has this text");
  const world = open({
    refuse: () => {
      throw shared;
    },
  });
  for (let i = 0; i < 3; i++) await start(world, "Refuse").outcome();
  expect([shared.rawMessage, [...shared.metadata], shared.details.length]).toEqual([
    "no note has this text",
    [],
    1,
  ]);
});

describe("streams without a socket", () => {
  const clientOf = (own: Partial<ProbeHandlers>, readyMs = 0) => {
    const { rpc, metrics } = open(own);
    const directory = scriptedDirectory([instanceAt(1, { service: "probe" })]);
    const network = createNetwork({
      callerId: "me",
      directory,
      telemetry: silentTelemetry("user"),
      policy: { ...usualClientPolicy, readyMs },
      openLanes: () => localLanes(rpc),
    });
    return { client: network.client(ProbeService), metrics };
  };

  test("go both ways, and are copies", async () => {
    const { client } = clientOf({});
    const asked = [create(input, { text: "a" }), create(input, { text: "b" })];
    async function* notes() {
      yield* asked;
    }
    const heard: string[] = [];
    for await (const note of client.chat(notes())) heard.push(note.text);
    expect(heard).toEqual(["heard a", "heard b"]);
    expect((await client.sum(notes())).number).toBe(0n);
  });

  test("end at the callee when their reader leaves, and at their deadline", async () => {
    const ended: unknown[] = [];
    const world = clientOf({
      async *follow(_note, call) {
        call.onEnd(() => ended.push(call.ended));
        try {
          yield { text: "here" };
          await new Promise((resolve) => call.signal.addEventListener("abort", resolve, { once: true }));
        } finally {
          ended.push("cleaned up");
        }
      },
    });
    for await (const _ of world.client.follow({})) break;
    await vi.waitFor(() => expect(ended).toEqual([expect.anything(), "cleaned up"]));
    await vi.waitFor(async () =>
      expect(await world.metrics.render()).toMatch(
        /weft_rpc_server_duration_seconds_count\{method="probe.v1.ProbeService\/Follow",.*\} 1/,
      ),
    );
    const late = (async () => {
      for await (const _ of world.client.follow({}, { timeoutMs: 40 }));
    })();
    await expect(late).rejects.toMatchObject({ code: Code.DeadlineExceeded });
    await vi.waitFor(() => expect(ended.length).toBe(4));
  });

  test("hold to the contract", async () => {
    const { client } = clientOf({});
    const broken = (async () => {
      for await (const _ of client.count({ text: "x".repeat(101) }));
    })();
    await expect(broken).rejects.toMatchObject({ code: Code.InvalidArgument });
  });
});

test("neighbours are known by their ids for as long as they are here", () => {
  const { rpc } = open();
  const leave = settleHere("i1", rpc);
  expect(neighbour("i1")).toBe(rpc);
  expect(neighbour("i2")).toBeUndefined();
  leave();
  leave();
  expect(neighbour("i1")).toBeUndefined();
});
