import { Writable } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createFrameReader } from "../testing/express.ts";
import { kinds, wireLimits } from "./frame.ts";
import { Outbox } from "./outbox.ts";
import { createVocabulary } from "./vocabulary.ts";

/** A server that has heard what the client said, and understands a slot as it stands when the call comes. */
function open() {
  const heard = new Map<number, string>();
  let words = 0;
  const read = createFrameReader(({ kind, body }) => {
    expect(kind).toBe(kinds.word);
    const slot = body.readUInt16BE(0);
    expect(slot).toBeGreaterThanOrEqual(1);
    expect(slot).toBeLessThanOrEqual(wireLimits.words);
    heard.set(slot, body.toString("utf8", 4, 4 + body.readUInt16BE(2)));
    expect(body.length).toBe(4 + body.readUInt16BE(2));
    words++;
  });
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      read(chunk);
      done();
    },
  });
  const outbox = new Outbox(stream);
  const vocabulary = createVocabulary(outbox);
  return {
    call(said: readonly [string, string, string]) {
      const slots = vocabulary.slotsOf(said);
      outbox.flush();
      return slots.map((slot) => (slot === 0 ? "" : heard.get(slot)));
    },
    words: () => words,
  };
}

test("a word is said once and then stands for itself", () => {
  const { call, words } = open();
  for (let i = 0; i < 100; i++) expect(call(["/a", "token", ""])).toEqual(["/a", "token", ""]);
  expect(words()).toBe(2);
  call(["/b", "token", "user"]);
  expect(words()).toBe(4);
});

test("the same word in two places has one slot", () => {
  const { call, words } = open();
  expect(call(["x", "x", "x"])).toEqual(["x", "x", "x"]);
  expect(words()).toBe(1);
});

test("the server understands every call, also those in the middle of which the slots begin anew", () => {
  // The method is in slot 1 and the token in slot 2: the new statements run around the ring into them.
  for (let before = wireLimits.words - 4; before <= wireLimits.words + 4; before++) {
    for (const [known, fresh] of [
      ["/a", "/b"],
      ["/b", "/a"],
    ] as const) {
      const { call } = open();
      call([known, "token", ""]);
      for (let i = 0; i < before - 2; i++) call(["", "", `statement ${i}`]);
      expect(call([known, "token", "last"])).toEqual([known, "token", "last"]);
      expect(call([fresh, "token", "last"])).toEqual([fresh, "token", "last"]);
    }
  }
});

test("the server understands any sequence of calls", () => {
  // Runs of fresh words bring the ring to every position; few words in the mix make for meetings.
  const some = fc.integer({ min: 0, max: 8 }).map((n) => (n === 0 ? "" : `word ${n}`));
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant("call" as const), said: fc.tuple(some, some, some) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("fresh" as const), many: fc.integer({ min: 1, max: 520 }) }),
    },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { call } = open();
      let fresh = 0;
      for (const it of steps) {
        if (it.kind === "call") expect(call(it.said)).toEqual(it.said);
        else {
          for (let i = 0; i < it.many; i++) {
            const said = `fresh ${fresh++}`;
            expect(call(["", "", said])).toEqual(["", "", said]);
          }
        }
      }
    }),
    { numRuns: 100 },
  );
});

test("words of many bytes are said whole", () => {
  const { call } = open();
  const long = "€".repeat(wireLimits.wordBytes);
  expect(call(["/a", long, "ü"])).toEqual(["/a", long, "ü"]);
});
