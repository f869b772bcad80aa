import fc from "fast-check";
import { expect, test } from "vitest";
import { backoffMs } from "./backoff.ts";

const longest = () => 1 - Number.EPSILON;

test("the longest wait is 25 ms and doubles to a second", () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8, 5000].map((retry) => Math.round(backoffMs(retry, longest)));
  expect(waits).toEqual([25, 50, 100, 200, 400, 800, 1000, 1000, 1000]);
});

test("the wait is spread over the whole step, from nothing", () => {
  expect(backoffMs(3, () => 0)).toBe(0);
  expect(backoffMs(3, () => 0.5)).toBe(50);
});

test("nobody is back before the server's retry-after, nor all at the same time", () => {
  expect(backoffMs(1, () => 0, 3000)).toBe(3000);
  expect(backoffMs(1, () => 0.5, 3000)).toBe(3012.5);
});

test("whatever the server asks, the wait is never below it nor below nothing", () => {
  fc.assert(
    fc.property(
      fc.nat(2000),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.double(),
      (retry, r, asked) => {
        const wait = backoffMs(retry, () => r, asked);
        expect(wait).toBeGreaterThanOrEqual(0);
        if (asked > 0) expect(wait).toBeGreaterThanOrEqual(asked);
        else expect(wait).toBeLessThanOrEqual(1000);
      },
    ),
  );
});
