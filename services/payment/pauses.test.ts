import { expect, test } from "vitest";
import { pauseMs } from "#mesh";
import { looks, mostOwedPauseMs, owedLooks, owedPauseMs } from "./pauses.ts";

test("the pause doubles with each look, 60-fold at most, and is half of that at least", () => {
  expect([1, 2, 3, 7, 50].map((tries) => pauseMs(tries, () => 1, looks(1000)))).toEqual([
    1000, 2000, 4000, 60_000, 60_000,
  ]);
  expect(pauseMs(0, () => 0, looks(1000))).toBe(500);
});

test("where refunds fail again and again, one is tried each day in the end", () => {
  expect([0, 1, 2, 30].map((failures) => owedPauseMs(5000, failures))).toEqual([
    5000,
    10_000,
    20_000,
    mostOwedPauseMs,
  ]);
  expect([1, 2, 40].map((tries) => pauseMs(tries, () => 1, owedLooks(1000)))).toEqual([
    20_000,
    40_000,
    mostOwedPauseMs,
  ]);
});
