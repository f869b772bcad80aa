import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Mesh } from "./kit/mesh.ts";
import { openMesh } from "./kit/mesh.ts";
import { note } from "./kit/note.ts";
import { until } from "./kit/until.ts";
import type { Worker } from "./kit/workers.ts";

/** How much later than its end the other side may notice. */
const lateMs = 500;
/** As good as without end. */
const endless = 1_000_000n;
/** Messages of 64 KB that buffers of both sides and the way between them may hold. */
const mostOnTheWay = 64;

let mesh: Mesh;
let worker: Worker;
beforeAll(async () => {
  mesh = await openMesh();
  worker = await mesh.start("streaming");
  // The connection is made, and what runs for the first time is compiled.
  for await (const _ of client().pour({ number: 2n }));
});
afterAll(() => mesh[Symbol.asyncDispose]());

const client = () => mesh.client("streaming");
const running = async () => (await worker.report()).running;
const handlerEnds = () => until(async () => (await running()) === 0, 3000);
const failure = async (work: () => Promise<unknown>): Promise<ConnectError> => {
  try {
    await work();
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("it did not fail");
};

/** Sends messages until the call is over; counts those that were taken. */
function talker(number: bigint, data = new Uint8Array()) {
  const sent = { count: 0, ended: false };
  async function* notes() {
    try {
      for (;;) {
        sent.count++;
        yield { number, data };
        await sleep(1);
      }
    } finally {
      sent.ended = true;
    }
  }
  return { sent, notes: notes() };
}

describe("the deadline of a stream ends it on both sides,", () => {
  test("when the server sends", async () => {
    const from = performance.now();
    let taken = 0;
    const error = await failure(async () => {
      // One message and then nothing.
      for await (const _ of client().pour({ number: 1n }, { timeoutMs: 300 })) taken++;
    });
    const tookMs = performance.now() - from;
    expect([error.code, taken]).toEqual([Code.DeadlineExceeded, 1]);
    expect(tookMs).toBeLessThan(300 + lateMs);
    expect(await handlerEnds()).toBeLessThan(lateMs);
    note({ serverStream: { tookMs } });
  });

  test("when both send", async () => {
    const { notes, sent } = talker(0n);
    const from = performance.now();
    let taken = 0;
    const error = await failure(async () => {
      for await (const _ of client().talk(notes, { timeoutMs: 300 })) taken++;
    });
    const tookMs = performance.now() - from;
    expect(error.code).toBe(Code.DeadlineExceeded);
    expect(taken).toBeGreaterThan(0);
    expect(tookMs).toBeLessThan(300 + lateMs);
    expect(await handlerEnds()).toBeLessThan(lateMs);
    const { count } = sent;
    await sleep(100);
    expect(sent.count - count).toBeLessThanOrEqual(1);
    note({ bidiStream: { tookMs, taken } });
  });
});

describe("a caller who leaves early ends the handler,", () => {
  test("when the server sends", async () => {
    for await (const _ of client().pour({ number: endless })) break;
    expect(await handlerEnds()).toBeLessThan(lateMs);
  });

  test("when both send", async () => {
    const { notes } = talker(0n);
    for await (const _ of client().talk(notes)) break;
    expect(await handlerEnds()).toBeLessThan(lateMs);
  });
});

describe("what is not read is not made:", () => {
  test("a handler waits for a caller that reads slowly", async () => {
    const before = (await worker.report()).poured;
    const made = async () => (await worker.report()).poured - before;
    let taken = 0;
    for await (const _ of client().pour({ number: endless })) {
      if (++taken < 3) continue;
      await sleep(500);
      const soon = await made();
      await sleep(500);
      const later = await made();
      expect(later).toBeLessThanOrEqual(mostOnTheWay);
      expect(later).toBe(soon);
      note({ slowReader: { made: later } });
      break;
    }
    expect(await handlerEnds()).toBeLessThan(lateMs);
  });

  test("a caller waits for a handler that reads slowly", async () => {
    const { notes, sent } = talker(2000n, randomBytes(64 * 1024));
    for await (const _ of client().talk(notes)) {
      await sleep(500);
      const soon = sent.count;
      await sleep(500);
      expect(sent.count).toBeLessThanOrEqual(mostOnTheWay);
      expect(sent.count).toBe(soon);
      note({ slowHandler: { sent: sent.count } });
      break;
    }
    expect(await handlerEnds()).toBeLessThan(lateMs);
  });
});
