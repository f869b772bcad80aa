import fc from "fast-check";
import { expect, test } from "vitest";
import { derivedId, newId } from "./id.ts";

const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });

test("an id is a UUID of version 7 and variant 10", () => {
  fc.assert(
    fc.property(time, (nowMs) => {
      expect(newId(nowMs)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }),
  );
});

test("ids sort by the millisecond in which they were made", () => {
  fc.assert(
    fc.property(time, time, (a, b) => {
      if (a < b) expect(newId(a) < newId(b)).toBe(true);
    }),
  );
});

test("ids of one millisecond differ", () => {
  expect(new Set(Array.from({ length: 10_000 }, () => newId(1))).size).toBe(10_000);
});

test("an id derived from words is a UUID of version 8, the same for the same words and no others", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(derivedId(a)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(derivedId(a) === derivedId(b)).toBe(a === b);
    }),
  );
});
