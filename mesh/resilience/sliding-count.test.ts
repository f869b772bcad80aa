import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSlidingCount } from "./sliding-count.ts";

test("the total is that of the current tenth of the window and the nine before it", () => {
  const steps = fc.array(fc.record({ advanceMs: fc.nat(1500), adds: fc.nat(3) }), { maxLength: 200 });
  fc.assert(
    fc.property(steps, fc.integer({ min: -100_000, max: 100_000 }), (moves, startMs) => {
      const count = createSlidingCount(5000);
      const added: number[] = [];
      let now = startMs;
      for (const { advanceMs, adds } of moves) {
        now += advanceMs;
        for (let i = 0; i < adds; i++) {
          count.add(now);
          added.push(Math.floor(now / 500));
        }
        const oldest = Math.floor(now / 500) - 9;
        expect(count.total(now)).toBe(added.filter((part) => part >= oldest).length);
      }
    }),
  );
});

describe("a clock that jumps", () => {
  test("back a little keeps what was counted", () => {
    const count = createSlidingCount(10_000);
    count.add(50_000);
    count.add(47_000);
    expect(count.total(47_000)).toBe(2);
    expect(count.total(59_000)).toBe(2);
    expect(count.total(60_000)).toBe(0);
  });
  test("back by a window or far ahead starts over, and counts on from there", () => {
    const count = createSlidingCount(10_000);
    count.add(1e12);
    expect(count.total(1000)).toBe(0);
    count.add(1000);
    expect(count.total(1000)).toBe(1);
    expect(count.total(1e12)).toBe(0);
  });
});

test("nothing is left after clear", () => {
  const count = createSlidingCount(10_000);
  count.add(1);
  count.clear();
  expect(count.total(1)).toBe(0);
});
