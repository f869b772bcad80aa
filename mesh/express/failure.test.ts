import { Writable } from "node:stream";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ErrorInfoSchema, RetryInfoSchema } from "#gen/google/rpc/error_details_pb.js";
import { fail, reasonOf } from "../errors.ts";
import { failure as rawFailure } from "../testing/express.ts";
import type { Failure } from "./failure.ts";
import { readFailure, writeFailure } from "./failure.ts";
import { createInbox } from "./inbox.ts";
import { Outbox } from "./outbox.ts";
import { Reader } from "./reader.ts";

const mostFrameBytes = 128 * 1024;

/** Over the wire and back; the frame must be whole, and nothing may be left of it. */
function overWire(failure: Failure): Failure {
  const reader = new Reader();
  const read: Failure[] = [];
  const inbox = createInbox(mostFrameBytes, (data, at, end) => {
    reader.open(data, at, end);
    expect([reader.u8(), reader.u32()]).toEqual([5, 77]);
    read.push(readFailure(reader));
    expect(reader.left).toBe(0);
  });
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      inbox.take(chunk);
      done();
    },
  });
  const outbox = new Outbox(stream);
  writeFailure(outbox, 77, failure);
  writeFailure(outbox, 77, failure);
  outbox.flush();
  expect([read.length, inbox.waiting]).toEqual([2, 0]);
  return read[1]!;
}

describe("an error comes back as it was", () => {
  test("with its code, message, reason and details", () => {
    const error = fail.exhausted("order_full", "das Maß ist voll 🍺", {
      metadata: { limit: "10", "na-me": "ü" },
      retryAfterMs: 1500,
    });
    const back = overWire({ error, processed: true });
    expect(back.processed).toBe(true);
    expect([back.error.code, back.error.rawMessage]).toEqual([Code.ResourceExhausted, "das Maß ist voll 🍺"]);
    expect(reasonOf(back.error)).toBe("order_full");
    expect(back.error.findDetails(ErrorInfoSchema)[0]?.metadata).toEqual({ limit: "10", "na-me": "ü" });
    expect(back.error.findDetails(RetryInfoSchema)[0]?.retryDelay).toMatchObject({ seconds: 1n, nanos: 5e8 });
    expect(overWire(back).error.details, "passed on once more").toEqual(back.error.details);
  });

  test("with its metadata, where a name may come twice", () => {
    const error = new ConnectError("no", Code.Aborted);
    error.metadata.append("x-a", "1");
    error.metadata.append("x-b", "ÿ é");
    error.metadata.append("set-cookie", "a=1");
    error.metadata.append("set-cookie", "b=2");
    const { metadata } = overWire({ error, processed: false }).error;
    expect([...metadata]).toEqual([...error.metadata]);
  });

  test("whatever it says", () => {
    const failures = fc.record({
      code: fc.constantFrom(...Object.values(Code).filter((code) => typeof code === "number")),
      message: fc.string({ unit: "binary", maxLength: 300 }),
      processed: fc.boolean(),
      details: fc.array(
        fc.record({ type: fc.stringMatching(/^[a-z.]{1,40}$/), value: fc.uint8Array({ maxLength: 200 }) }),
        { maxLength: 5 },
      ),
    });
    fc.assert(
      fc.property(failures, ({ code, message, processed, details }) => {
        const error = new ConnectError(message, code as Code);
        error.details.push(...details);
        const back = overWire({ error, processed });
        expect([back.error.code, back.error.rawMessage, back.processed]).toEqual([
          code,
          message.toWellFormed(),
          processed,
        ]);
        expect(back.error.details.map((it) => ({ ...it }))).toEqual(
          details.map((it) => ({ ...it, value: Buffer.from(it.value) })),
        );
      }),
    );
  });
});

describe("an error that is too large is told as far as it fits", () => {
  test("of its message the beginning", () => {
    const { error } = overWire({ error: fail.internal("big", "€".repeat(100_000)), processed: true });
    expect(error.rawMessage).toBe("€".repeat(16 * 1024));
    expect(reasonOf(error)).toBe("big");
  });

  test("of its details those for which there is room, and never half of one", () => {
    const error = fail.internal("big", "no");
    const small = { type: "a.B", value: new Uint8Array(10) };
    const huge = { type: "a.Huge", value: new Uint8Array(100_000) };
    error.details.push(huge, small, { type: "t".repeat(60_000), value: new Uint8Array(1) });
    for (let i = 0; i < 70_000; i++) error.details.push({ type: "a.Many", value: new Uint8Array(100) });
    const back = overWire({ error, processed: true }).error;
    expect(reasonOf(back)).toBe("big");
    const types = back.details.map((it) => ("type" in it ? it.type : ""));
    expect(types.slice(0, 3)).toEqual(["google.rpc.ErrorInfo", "a.B", "a.Many"]);
    expect(types.length).toBeGreaterThan(100);
  });

  test.each([
    ["many", 5000, "v"],
    ["large", 10, "v".repeat(10_000)],
  ])("of metadata that is too %s nothing", (_what, count, value) => {
    const error = fail.internal("big", "no");
    for (let i = 0; i < count; i++) error.metadata.append(`x-${i}`, value);
    const back = overWire({ error, processed: true }).error;
    expect([reasonOf(back), [...back.metadata]]).toEqual(["big", []]);
  });
});

test("a code that there is not is unknown", () => {
  for (const code of [0, 17, 255]) {
    const frame = rawFailure(1, code, true, "?");
    const { error } = readFailure(new Reader().open(frame, 9, frame.length));
    expect(error.code).toBe(Code.Unknown);
  }
});
