import fc from "fast-check";
import { expect, test } from "vitest";
import { pauseMs } from "./retry-pause.ts";

const pause = { firstMs: 1000, mostMs: 60_000 };

test("pauses double up to the longest, and at least half of each is waited", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (tries, chance) => {
        const step = Math.min(60_000, 1000 * 2 ** (tries - 1));
        const ms = pauseMs(tries, () => chance, pause);
        expect(ms).toBeGreaterThanOrEqual(step / 2);
        expect(ms).toBeLessThanOrEqual(step);
      },
    ),
  );
});
