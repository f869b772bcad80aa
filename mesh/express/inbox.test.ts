import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { u32 } from "../testing/express.ts";
import { FrameError } from "./frame.ts";
import { createInbox } from "./inbox.ts";

const most = 200_000;
const collect = () => {
  const frames: string[] = [];
  const inbox = createInbox(most, (data, at, end) => frames.push(data.toString("latin1", at, end)));
  return { frames, inbox };
};
const framed = (body: Uint8Array) => Buffer.concat([u32(body.length), body]);
const pattern = (length: number, seed: number) => Buffer.alloc(length, `${seed}:${length}.`);

describe("frames", () => {
  test("come out whole wherever the stream is cut in two", () => {
    const bodies = [1, 3, 300, 2, 70, 1].map(pattern);
    const stream = Buffer.concat(bodies.map(framed));
    for (let cut = 0; cut <= stream.length; cut++) {
      const { frames, inbox } = collect();
      for (const part of [stream.subarray(0, cut), stream.subarray(cut)]) inbox.take(part);
      expect(frames).toEqual(bodies.map((body) => body.toString("latin1")));
      expect(inbox.waiting).toBe(0);
    }
  });

  test("come out whole byte after byte, each as soon as its last byte is there", () => {
    const bodies = [5, 1, 40].map(pattern);
    const { frames, inbox } = collect();
    let sent = 0;
    for (const body of bodies) {
      for (const byte of framed(body)) inbox.take(Buffer.from([byte]));
      expect(frames).toHaveLength(++sent);
    }
  });

  test("come out whole however the stream is cut", () => {
    const length = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 60_000, max: 140_000 }));
    const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 70_000 })), {
      minLength: 1,
    });
    fc.assert(
      fc.property(fc.array(length, { maxLength: 8 }), cuts, (lengths, sizes) => {
        const bodies = lengths.map(pattern);
        const stream = Buffer.concat(bodies.map(framed));
        const { frames, inbox } = collect();
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i % sizes.length]!;
          // As from the network: a buffer of its own.
          inbox.take(Buffer.from(stream.subarray(at, at + size)));
          at += size;
        }
        expect(frames.length).toBe(bodies.length);
        expect(frames.every((frame, i) => frame === bodies[i]!.toString("latin1"))).toBe(true);
        expect(inbox.waiting).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test("may be taken while one is told of, for what they hold stays as it is", () => {
    const kept: Buffer[] = [];
    const inbox = createInbox(most, (data, at, end) => kept.push(data.subarray(at, end)));
    const bodies = [7000, 200, 9000].map(pattern);
    const stream = Buffer.concat([...bodies, ...bodies].map(framed));
    for (let at = 0; at < stream.length; at += 999) inbox.take(Buffer.from(stream.subarray(at, at + 999)));
    expect(kept.map(String)).toEqual([...bodies, ...bodies].map(String));
  });
});

describe("an unfinished frame", () => {
  test("waits, and no more of it than came", () => {
    const { frames, inbox } = collect();
    inbox.take(Buffer.concat([u32(1000), Buffer.alloc(400)]));
    expect([inbox.waiting, frames]).toEqual([404, []]);
    inbox.take(Buffer.alloc(601));
    expect([inbox.waiting, frames.length]).toEqual([1, 1]);
  });

  test("never makes more wait than one frame may have", () => {
    const { inbox } = collect();
    inbox.take(u32(most));
    for (let sent = 0; sent < most - 1; ) {
      const part = Math.min(9999, most - 1 - sent);
      inbox.take(Buffer.alloc(part));
      sent += part;
      expect(inbox.waiting).toBe(sent + 4);
    }
    inbox.take(Buffer.alloc(1));
    expect(inbox.waiting).toBe(0);
  });
});

describe("a length that is none", () => {
  const bad = { "of nothing": 0, "above what is allowed": most + 1, "of four gigabytes": 2 ** 32 - 1 };
  test.each(Object.entries(bad))("%s is refused at once", (_what, length) => {
    expect(() => collect().inbox.take(u32(length))).toThrow(FrameError);
  });
  test.each(Object.entries(bad))("%s is refused also when it comes in pieces", (_what, length) => {
    const { frames, inbox } = collect();
    const bytes = Buffer.concat([framed(pattern(20, 1)), u32(length)]);
    expect(() => {
      for (const byte of bytes) inbox.take(Buffer.from([byte]));
    }).toThrow(FrameError);
    expect(frames, "what stood before it is read").toHaveLength(1);
  });
  test("says what is allowed", () => {
    expect(() => collect().inbox.take(u32(most + 1))).toThrow(
      `a frame of ${most + 1} bytes; ${most} are allowed`,
    );
  });
});
