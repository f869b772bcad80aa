import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { backoffMs, pauseMs } from "./backoff.ts";

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

describe("the pause after work that failed", () => {
  const policy = { baseMs: 5000, maxMs: 3_600_000 };
  const full = () => 1;

  test("doubles with each failure, up to the longest", () => {
    expect([0, 1, 2, 3, 4].map((tries) => pauseMs(tries, full, policy))).toEqual([
      5000, 5000, 10_000, 20_000, 40_000,
    ]);
    for (const tries of [30, 5000]) expect(pauseMs(tries, full, policy)).toBe(3_600_000);
    expect(pauseMs(5000, full, { baseMs: 0, maxMs: 1000 })).toBe(0);
  });

  test("is between half of that and all", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 0, max: 3_600_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (tries, baseMs, chance) => {
          const most = Math.min(3_600_000, baseMs * 2 ** Math.min(60, tries - 1));
          const ms = pauseMs(tries, () => chance, { ...policy, baseMs });
          return ms <= Math.round(most) && ms >= Math.floor(most / 2);
        },
      ),
    );
  });
});
