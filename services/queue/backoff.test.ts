import { double, assert as hold, integer, property } from "fast-check";
import { expect, test } from "vitest";
import { pauseMs } from "./backoff.ts";

const full = () => 1;

test("doubles with each failure, up to an hour", () => {
  expect([1, 2, 3, 4].map((failures) => pauseMs(failures, 5000, full))).toEqual([
    5000, 10_000, 20_000, 40_000,
  ]);
  expect(pauseMs(30, 5000, full)).toBe(3_600_000);
  expect(pauseMs(5000, 5000, full)).toBe(3_600_000);
});

test("is between half a step and all of it", () => {
  hold(
    property(
      integer({ min: 1, max: 200 }),
      integer({ min: 0, max: 3_600_000 }),
      double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      (failures, baseMs, chance) => {
        const most = pauseMs(failures, baseMs, full);
        const pause = pauseMs(failures, baseMs, () => chance);
        return pause <= most && pause >= Math.floor(most / 2);
      },
    ),
  );
});
