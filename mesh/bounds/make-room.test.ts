import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeRoom } from "./make-room.ts";

describe("a map that is given room before each new entry", () => {
  test("holds the newest, and never more than it may", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.nat({ max: 40 }), (most, count) => {
        const entries = new Map<number, string>();
        const added = Array.from({ length: count }, (_, i) => i);
        for (const it of added) {
          makeRoom(entries, most);
          entries.set(it, "");
          expect(entries.size).toBeLessThanOrEqual(most);
        }
        expect([...entries.keys()]).toEqual(added.slice(-most));
      }),
    );
  });

  test("loses nothing while it is not full", () => {
    const entries = new Map([
      ["a", 1],
      ["b", 2],
    ]);
    makeRoom(entries, 3);
    expect(entries.size).toBe(2);
  });

  test("loses as many as it has too much", () => {
    const entries = new Map([1, 2, 3, 4, 5].map((it) => [it, it]));
    makeRoom(entries, 3);
    expect([...entries.keys()]).toEqual([4, 5]);
  });
});
