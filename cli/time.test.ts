import { expect, test } from "vitest";
import { ageOf, lengthOf } from "./time.ts";

test("a length is told in its largest unit", () => {
  const lengths = [0, 999, 59_999, 60_000, 3_600_000, 86_400_000 * 3].map(lengthOf);
  expect(lengths).toEqual(["0 s", "0 s", "59 s", "1 min", "1 h", "3 d"]);
});

test("a time is told as how long ago or ahead it is", () => {
  const now = new Date("2026-01-31T12:00:00Z");
  const at = (ms: number) => ageOf(new Date(now.getTime() + ms), now);
  expect([at(-90_000), at(500), at(7_200_000)]).toEqual(["1 min ago", "now", "in 2 h"]);
  expect(ageOf(undefined, now)).toBe("");
});
