import fc from "fast-check";
import { expect, test } from "vitest";
import { inEnvelopes, inPieces } from "./gather.ts";

async function* from(chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* chunks;
}
const all = async (pieces: AsyncIterable<Uint8Array>) => {
  const list: Uint8Array[] = [];
  for await (const piece of pieces) list.push(piece);
  return list;
};
const byteByByte = (bytes: Uint8Array) => Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
const enveloped = (length: number) => {
  const bytes = Buffer.alloc(5 + length, 7);
  bytes[0] = 0;
  bytes.writeUInt32BE(length, 1);
  return bytes;
};
const limit = 1000;

test("a body that comes byte by byte is given in few pieces", async () => {
  const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i % 251));
  const pieces = await all(inPieces(from(byteByByte(bytes))));
  expect(pieces.length).toBeLessThan(5);
  expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
});

test("an enveloped message is given as soon as it is whole, and not before", async () => {
  const [first, second] = [enveloped(10), enveloped(0)];
  const pieces = await all(inEnvelopes(from(byteByByte(Buffer.concat([first, second]))), limit));
  expect(pieces.map((piece) => piece.length)).toEqual([first.length, second.length]);
});

test("messages that come together are given together", async () => {
  const bytes = Buffer.concat([enveloped(10), enveloped(20), enveloped(30).subarray(0, 8)]);
  const pieces = await all(inEnvelopes(from([bytes]), limit));
  expect(pieces.map((piece) => piece.length)).toEqual([40, 8]);
});

test("a message that says it is too long is not waited for", async () => {
  const gathering = inEnvelopes(from([enveloped(limit + 1).subarray(0, 6), Buffer.alloc(1)]), limit);
  const first = await gathering[Symbol.asyncIterator]().next();
  expect(first.value).toHaveLength(6);
});

test("no byte is lost, added or changed, however it is cut", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 60 }), async (chunks) => {
      const bytes = Buffer.concat(chunks);
      for (const gather of [inPieces, inEnvelopes]) {
        const pieces = await all(gather(from(chunks), limit));
        expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
      }
    }),
  );
});

test("what was given is not written to again", async () => {
  const kept: Array<[Uint8Array, string]> = [];
  for await (const piece of inEnvelopes(
    from(byteByByte(Buffer.concat([enveloped(3), enveloped(4)]))),
    limit,
  )) {
    kept.push([piece, Buffer.from(piece).toString("hex")]);
  }
  for (const [piece, hex] of kept) expect(Buffer.from(piece).toString("hex")).toBe(hex);
});
