import { setTimeout as sleep } from "node:timers/promises";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { describe, expect, test } from "vitest";
import { fail } from "../errors.ts";
import { echoMethod } from "../testing/method.ts";
import type { Protocol, Rpc } from "../testing/rpc.ts";
import { openRpc } from "../testing/rpc.ts";
import { observed } from "./observed.ts";

async function drain(stream: AsyncIterable<unknown>) {
  for await (const _ of stream);
}
const quietly = (work: Promise<unknown>) => work.catch(() => {});

/** How often each outcome was measured. */
async function measured(rpc: Rpc): Promise<Record<string, number>> {
  const found = (await rpc.metrics.render()).matchAll(/_seconds_count\{(.*)\} (\d+)/g);
  return Object.fromEntries(
    [...found].map(([, labels, count]) => [/code="(\w+)"/.exec(labels!)?.[1], Number(count)]),
  );
}

const contentTypes: Record<Protocol, string> = {
  connect: "application/proto",
  grpc: "application/grpc+proto",
  "grpc-web": "application/grpc-web+proto",
};

const framed = (bytes: readonly number[]) => new Uint8Array([0, 0, 0, 0, bytes.length, ...bytes]);
const nonsense = [0x0a, 0xff];

type End = [name: string, code: string, act: (rpc: Rpc, protocol: Protocol) => Promise<unknown>];
const ends: End[] = [
  ["an answer", "ok", (rpc, protocol) => rpc.client(protocol).echo({ text: "x" })],
  ["an error", "not_found", (rpc, protocol) => rpc.client(protocol).refuse({})],
  ["a bug", "internal", (rpc, protocol) => rpc.client(protocol).break({})],
  [
    "a violation",
    "invalid_argument",
    (rpc, protocol) => rpc.client(protocol).echo({ text: "x".repeat(101) }),
  ],
  ["a refusal at the gate", "unauthenticated", (rpc, protocol) => rpc.client(protocol).mine({})],
  ["the deadline", "deadline_exceeded", (rpc, protocol) => rpc.client(protocol).hang({})],
  ["a whole stream", "ok", (rpc, protocol) => drain(rpc.client(protocol).count({ number: 3n }))],
  ["an empty stream", "ok", (rpc, protocol) => drain(rpc.client(protocol).count({}))],
  [
    "an upload",
    "ok",
    (rpc, protocol) =>
      rpc.client(protocol).sum(
        (async function* () {
          yield { number: 1n };
        })(),
      ),
  ],
  [
    "a stream that the caller leaves",
    "canceled",
    async (rpc, protocol) => {
      const controller = new AbortController();
      const { signal } = controller;
      for await (const { number } of rpc.client(protocol).count({ number: 100_000n }, { signal })) {
        if (number === 2n) controller.abort();
      }
    },
  ],
  [
    "a caller that hangs up",
    "canceled",
    (rpc, protocol) => rpc.client(protocol).wait({}, { signal: AbortSignal.timeout(30) }),
  ],
  [
    "a message that cannot be read",
    "invalid_argument",
    (rpc, protocol) =>
      rpc.send(
        "Echo",
        { "content-type": contentTypes[protocol] },
        protocol === "connect" ? new Uint8Array(nonsense) : framed(nonsense),
      ),
  ],
  [
    "a stream whose first message cannot be read",
    "invalid_argument",
    (rpc, protocol) =>
      rpc.send(
        "Count",
        { "content-type": protocol === "connect" ? "application/connect+proto" : contentTypes[protocol] },
        framed(nonsense),
      ),
  ],
];

describe.each(["connect", "grpc", "grpc-web"] as const)(
  "over %s, one line and one measurement for",
  (protocol) => {
    test.each(ends)("%s (%s)", async (_name, code, act) => {
      await using rpc = await openRpc();
      await quietly(act(rpc, protocol));
      expect((await rpc.calls()).map((line) => line.code)).toEqual([code]);
      await sleep(20);
      expect(await rpc.calls()).toHaveLength(1);
      expect(await measured(rpc)).toEqual({ [code]: 1 });
    });

    test("a stream that fails half-way", async () => {
      await using rpc = await openRpc({
        count: async function* () {
          yield {};
          throw fail.aborted("half_way", "no more");
        },
      });
      await quietly(drain(rpc.client(protocol).count({})));
      expect(await rpc.calls()).toMatchObject([{ code: "aborted", reason: "half_way" }]);
      expect(await measured(rpc)).toEqual({ aborted: 1 });
    });
  },
);

test.each([
  ["text/plain", "bad_content_type"],
  ["application/grpc-web-text", "bad_content_type"],
])("a request of type %s is noted as %s", async (type, code) => {
  await using rpc = await openRpc();
  await rpc.send("Echo", { "content-type": type }, new Uint8Array());
  expect((await rpc.calls()).map((line) => line.code)).toEqual([code]);
});

test("a handler of the protocol library that itself fails is noted, and its failure passed on", async () => {
  const codes: string[] = [];
  await using rpc = await openRpc();
  const [echo] = rpc.handlers;
  const failing = Object.assign(
    async () => Promise.reject(fail.aborted("gone", "gone")),
    echo,
  ) as UniversalHandler;
  const handler = observed(failing, echoMethod, { over: (_record, code) => void codes.push(code) });
  const request = {
    httpVersion: "2.0",
    method: "POST",
    url: "http://probe/",
    header: new Headers(),
    body: (async function* () {})(),
    signal: new AbortController().signal,
  };
  await expect(handler(request)).rejects.toThrow("gone");
  expect(codes).toEqual(["aborted"]);
});

describe("the line of a call", () => {
  test("says who called what, how long it took and how it ended", async () => {
    await using rpc = await openRpc({}, async () => ({
      caller: {
        service: { name: "gateway", scopes: [] },
        user: { id: "u1", email: "ada@example.com", sessionId: "s", roles: [], permissions: [] },
      },
      userToken: "raw.token.value",
    }));
    await rpc
      .client()
      .echo({ text: "hello", secret: "hush" }, { headers: { authorization: "Bearer raw.token.value" } });
    const [line] = await rpc.calls();
    expect(line).toMatchObject({
      level: "info",
      service: "probe",
      method: "probe.v1.ProbeService/Echo",
      code: "ok",
      duration: expect.any(Number),
      caller: "service:gateway+user:u1",
      message: "call",
    });
    expect(JSON.stringify(line)).not.toMatch(/raw\.token|hush|ada@/);
  });

  test("of a bug has its cause, which the caller does not see", async () => {
    await using rpc = await openRpc();
    await quietly(rpc.client().break({}));
    expect(await rpc.calls()).toMatchObject([
      {
        level: "error",
        message: "call failed",
        err: { type: "Error", message: expect.stringContaining("hunter2") },
      },
    ]);
  });
});
