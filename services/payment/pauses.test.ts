import { expect, test } from "vitest";
import { pauseMs } from "#mesh";
import { looks } from "./pauses.ts";

test("the pause doubles with each look, 60-fold at most, and is half of that at least", () => {
  expect([1, 2, 3, 7, 50].map((tries) => pauseMs(tries, () => 1, looks(1000)))).toEqual([
    1000, 2000, 4000, 60_000, 60_000,
  ]);
  expect(pauseMs(0, () => 0, looks(1000))).toBe(500);
});
