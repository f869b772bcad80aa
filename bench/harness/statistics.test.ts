import { describe, expect, test } from "vitest";
import { median, medianOf, ratiosTo, spreadOf } from "./statistics.ts";

test("the median is the middle value, or half-way between the two in the middle", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 3, 100])).toBe(3.5);
  expect(median([])).toBeNaN();
});

test("one disturbed round does not change the median of records", () => {
  const rounds = [
    { calls: 100, p50: 1 },
    { calls: 3, p50: 90 },
    { calls: 102, p50: 2 },
  ];
  expect(medianOf(rounds)).toEqual({ calls: 100, p50: 2 });
});

test("the spread is the share by which rounds differ from their median", () => {
  expect(spreadOf([90, 100, 110])).toBeCloseTo(0.1);
  expect(spreadOf([7])).toBe(0);
});

describe("ratios", () => {
  test("say how often we are what the others are", () => {
    expect(ratiosTo(1000, { slow: 300, fast: 66_000 })).toEqual({ slow: 3.33, fast: 0.0152 });
  });
});
