import fc from "fast-check";
import { expect, test } from "vitest";
import { merge } from "./merge.ts";

async function* each<T>(items: readonly T[]): AsyncIterable<T> {
  yield* items;
}

test("sequences in order are one in order, with nothing lost or added", async () => {
  const sorted = fc.array(fc.integer()).map((items) => items.sort((a, b) => a - b));
  await fc.assert(
    fc.asyncProperty(fc.array(sorted, { maxLength: 6 }), async (lists) => {
      const merged: number[] = [];
      for await (const item of merge(lists.map(each), (a, b) => a < b)) merged.push(item);
      expect(merged).toEqual(lists.flat().sort((a, b) => a - b));
    }),
  );
});

test("of equals, that of the first sequence comes first", async () => {
  const merged: string[] = [];
  const sources = [each(["1a", "2a"]), each(["1b", "2b"])];
  for await (const item of merge(sources, (a, b) => a.slice(0, 1) < b.slice(0, 1))) merged.push(item);
  expect(merged).toEqual(["1a", "1b", "2a", "2b"]);
});
