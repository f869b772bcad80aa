import { Writable } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readFields, sizeOfFields, writeFields } from "./fields.ts";
import { createInbox } from "./inbox.ts";
import { Outbox } from "./outbox.ts";
import { Reader } from "./reader.ts";

/** What is sent, kept as it was given: it must not be written to again. */
function open() {
  const writes: Buffer[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      writes.push(chunk);
      done();
    },
  });
  return { outbox: new Outbox(stream), writes, stream };
}
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function framesOf(writes: readonly Buffer[]): Buffer[] {
  const frames: Buffer[] = [];
  const inbox = createInbox(2 ** 31, (data, at, end) => frames.push(Buffer.from(data.subarray(at, end))));
  for (const write of writes) inbox.take(write);
  expect(inbox.waiting, "a frame is unfinished").toBe(0);
  return frames;
}

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  // Halves of characters, which UTF-8 has no form for.
  fc.string({ unit: fc.constantFrom("\ud800", "\udfff", "a", "€"), maxLength: 10 }),
  fc.integer({ min: 60_000, max: 70_000 }).map((length) => "x".repeat(length)),
  fc.integer({ min: 20_000, max: 40_000 }).map((length) => "€".repeat(length)),
);
const latin = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.integer({ min: 250, max: 260 }).map((length) => "i".repeat(length)),
);
const frame = fc.record({
  number: fc.nat(2 ** 32 - 1),
  small: fc.nat(65_535),
  short: latin,
  long: anyText,
  fields: fc.array(fc.string({ unit: "binary", maxLength: 20 }), { maxLength: 6 }),
  bytes: fc.oneof(
    fc.nat(100),
    fc.integer({ min: 60_000, max: 70_000 }),
    fc.integer({ min: 130_000, max: 200_000 }),
  ),
});

/** UTF-8 as it goes over the wire, cut at a whole character. */
function asSent(text: string): string {
  const bytes = Buffer.from(text.toWellFormed());
  if (bytes.length <= 0xffff) return text.toWellFormed();
  let end = 0xffff;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}

test("what is written is what is read, for any mix of sizes and any number of turns", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ frame, waits: fc.boolean() }), { maxLength: 8 }), async (steps) => {
      const { outbox, writes } = open();
      for (const { frame: it, waits } of steps) {
        const pairs = it.fields.length % 2 === 0 ? it.fields : it.fields.slice(1);
        const estimate =
          6 + (1 + it.short.length) + (2 + it.long.length * 3) + sizeOfFields(pairs) + it.bytes;
        outbox.begin(9, estimate);
        outbox.u32(it.number);
        outbox.u16(it.small);
        outbox.text8(it.short);
        outbox.text(it.long);
        writeFields(outbox, pairs);
        outbox.bytes(Buffer.alloc(it.bytes, 0x55));
        outbox.finish();
        if (waits) await turn();
      }
      await turn();
      const frames = framesOf(writes);
      expect(frames).toHaveLength(steps.length);
      for (const [i, { frame: it }] of steps.entries()) {
        const data = frames[i]!;
        const reader = new Reader().open(data, 0, data.length);
        const pairs = it.fields.length % 2 === 0 ? it.fields : it.fields.slice(1);
        expect([reader.u8(), reader.u32(), reader.u16()]).toEqual([9, it.number, it.small]);
        expect(reader.text8()).toBe(it.short.slice(0, 255));
        expect(reader.text() === asSent(it.long)).toBe(true);
        expect(readFields(reader)).toEqual(
          pairs.length > 0 ? pairs.map((text) => text.toWellFormed()) : undefined,
        );
        const rest = reader.rest();
        expect([rest.length, rest.every((byte) => byte === 0x55)]).toEqual([it.bytes, true]);
      }
    }),
    { numRuns: 60 },
  );
});

describe("a text that is too long", () => {
  const ends = { "a letter": "x", "two bytes": "é", "three bytes": "€", "four bytes": "😀" };
  test.each(Object.entries(ends))(
    "is cut between characters of %s, and nothing behind it is shifted",
    async (_what, end) => {
      for (let before = 65_530; before <= 65_536; before++) {
        const { outbox, writes } = open();
        const text = "x".repeat(before) + end.repeat(3);
        outbox.begin(1, 2 + text.length * 3 + 1);
        outbox.text(text);
        outbox.u8(42);
        outbox.finish();
        await turn();
        const [data] = framesOf(writes);
        const reader = new Reader().open(data!, 1, data!.length);
        const read = reader.text();
        expect(text.startsWith(read)).toBe(true);
        expect(Buffer.byteLength(read)).toBeGreaterThan(0xffff - 4);
        expect([reader.u8(), reader.left]).toEqual([42, 0]);
      }
    },
  );

  test("of an id is cut at 255", async () => {
    const { outbox, writes } = open();
    outbox.begin(1, 1 + 300 + 1);
    outbox.text8("i".repeat(300));
    outbox.u8(42);
    outbox.finish();
    await turn();
    const [data] = framesOf(writes);
    const reader = new Reader().open(data!, 1, data!.length);
    expect([reader.text8().length, reader.u8()]).toEqual([255, 42]);
  });
});

test("the frames of one turn go out as one write", async () => {
  const { outbox, writes } = open();
  for (let i = 0; i < 100; i++) {
    outbox.begin(1, 4);
    outbox.u32(i);
    outbox.finish();
  }
  expect(outbox.unsent).toBe(900);
  await turn();
  expect([writes.length, writes[0]?.length, outbox.unsent]).toEqual([1, 900, 0]);
});

test("memory that was sent is never written to again", async () => {
  const { outbox, writes } = open();
  const copies: Buffer[] = [];
  for (let i = 0; i < 400; i++) {
    outbox.begin(i % 8, 500);
    outbox.bytes(Buffer.alloc(500, i));
    outbox.finish();
    if (i % 3 === 0) await turn();
    while (copies.length < writes.length) copies.push(Buffer.from(writes[copies.length]!));
  }
  await turn();
  for (const [i, copy] of copies.entries()) expect(writes[i]?.equals(copy)).toBe(true);
});

test("to a stream that is over nothing is written, which would be an error", async () => {
  const { outbox, writes, stream } = open();
  const errors: unknown[] = [];
  stream.on("error", (error) => errors.push(error));
  stream.end();
  for (const size of [10, 100_000, 10]) {
    outbox.begin(1, size);
    outbox.bytes(Buffer.alloc(size));
    outbox.finish();
    await turn();
  }
  expect([writes.length, errors, outbox.unsent]).toEqual([0, [], 0]);
});

test("the estimate of fields is never too small", () => {
  const text = fc.string({ unit: "binary", maxLength: 30 });
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { maxLength: 20 }), (pairs) => {
      const flat = pairs.flat();
      const real = 2 + flat.reduce((sum, it) => sum + 2 + Buffer.byteLength(it), 0);
      expect(sizeOfFields(flat.length > 0 ? flat : undefined)).toBeGreaterThanOrEqual(real);
    }),
  );
});
