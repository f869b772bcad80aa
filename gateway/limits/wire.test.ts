import fc from "fast-check";
import { expect, test } from "vitest";
import type { Message } from "./wire.ts";
import { decode, encode } from "./wire.ts";

const from = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const seq = fc.nat(0xffffffff);
const hidden = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((it) => Buffer.from(it).toString("latin1"));
const limit = fc.integer({ min: 1, max: 2_000_000 });
const lengthMs = fc.integer({ min: 1000, max: 86_400_000 });
const four = <T>(item: fc.Arbitrary<T>, length: number) =>
  fc.array(item, { minLength: length, maxLength: length });

const questionItem = fc.integer({ min: 1, max: 4 }).chain((windows) =>
  fc.record({
    hidden,
    want: fc.integer({ min: 1, max: 1000 }),
    mask: fc.integer({ min: 1, max: (1 << windows) - 1 }),
    lengthsMs: four(lengthMs, windows),
    limits: four(limit, windows),
  }),
);
const answerItem = fc
  .integer({ min: 1, max: 4 })
  .chain((windows) =>
    fc.record({ lent: fc.nat(1000), free: four(fc.nat(1e6), windows), nextMs: four(fc.nat(1e6), windows) }),
  );
const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ kind: fc.constant("here" as const), from }),
  fc.record({ kind: fc.constant("farewell" as const), from }),
  fc.record({
    kind: fc.constant("question" as const),
    from,
    question: fc.record({ seq, holdMs: fc.nat(1000), items: fc.array(questionItem) }),
  }),
  fc.record({
    kind: fc.constant("answer" as const),
    from,
    answer: fc.record({ seq, items: fc.array(answerItem) }),
  }),
  fc.record({ kind: fc.constant("settled" as const), from, seq, unused: fc.array(fc.nat(1000)) }),
);

test("what one replica writes another reads", () => {
  fc.assert(
    fc.property(message, (it) => {
      expect(decode(encode(it))).toEqual(it);
    }),
  );
});

test("what is cut short, or longer than it says, is no message", () => {
  fc.assert(
    fc.property(message, fc.nat(), (it, cut) => {
      const bytes = encode(it);
      expect(decode(bytes.subarray(0, cut % bytes.length))).toBeUndefined();
      expect(decode(Buffer.concat([bytes, Buffer.alloc(1)]))).toBeUndefined();
    }),
  );
});

test("whatever comes, it is read or refused, never more than bounded", () => {
  const spoilt = fc.tuple(message, fc.nat(), fc.nat(255)).map(([it, at, byte]) => {
    const bytes = encode(it);
    bytes[at % bytes.length] = byte;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), spoilt), (bytes) => {
      const read = decode(bytes);
      if (read?.kind !== "question") return;
      for (const { want, limits, lengthsMs } of read.question.items) {
        expect(want).toBeLessThanOrEqual(1000);
        expect(limits.length).toBe(lengthsMs.length);
        for (const it of limits) expect(it).toBeLessThanOrEqual(2_000_000);
      }
    }),
    { numRuns: 2000 },
  );
});

test("a name that would mean something in a subject is refused", () => {
  for (const bad of ["a.b", "*", ">", "a b", ""]) {
    expect(decode(encode({ kind: "here", from: bad }))).toBeUndefined();
  }
});
