import fc from "fast-check";
import { expect, test } from "vitest";
import { createRetryBudget, type RetryBudget } from "./retry-budget.ts";

const withdrawAll = (budget: RetryBudget) => {
  let given = 0;
  while (given < 100_000 && budget.withdraw()) given++;
  return given;
};

test("a busy caller may retry a fifth of its calls, and says so", () => {
  const budget = createRetryBudget({ now: () => 5000 });
  for (let i = 0; i < 1000; i++) budget.deposit();
  expect(withdrawAll(budget)).toBe(200);
  expect(budget.describe()).toBe("200 retries of 1000 calls in 10 s, 200 allowed");
});

test("a quiet caller may retry once a second on average", () => {
  let now = 0;
  const budget = createRetryBudget({ now: () => now });
  expect(withdrawAll(budget)).toBe(10);
  now = 9999;
  expect(budget.withdraw()).toBe(false);
  now = 10_000;
  expect(withdrawAll(budget)).toBe(10);
});

test("calls and retries of more than ten seconds ago do not count", () => {
  let now = 0;
  const budget = createRetryBudget({ now: () => now });
  for (let i = 0; i < 1000; i++) budget.deposit();
  withdrawAll(budget);
  now = 10_000;
  expect(withdrawAll(budget)).toBe(10);
});

test("however calls fail, retries over any stretch of time stay a fifth of the calls or the floor", () => {
  const steps = fc.array(fc.record({ waitMs: fc.nat(900), calls: fc.nat(60), wanted: fc.nat(60) }), {
    maxLength: 100,
  });
  fc.assert(
    fc.property(steps, (moves) => {
      let now = 0;
      const budget = createRetryBudget({ now: () => now });
      const log: { part: number; calls: number; retries: number }[] = [];
      for (const { waitMs, calls, wanted } of moves) {
        now += waitMs;
        for (let i = 0; i < calls; i++) budget.deposit();
        let retries = 0;
        for (let i = 0; i < wanted; i++) if (budget.withdraw()) retries++;
        log.push({ part: Math.floor(now / 1000), calls, retries });
        const recent = log.filter(({ part }) => part > Math.floor(now / 1000) - 10);
        const total = (of: "calls" | "retries") => recent.reduce((sum, entry) => sum + entry[of], 0);
        // Calls leave the window as their retries do, so at each withdrawal the bound held.
        if (retries > 0) expect(total("retries")).toBeLessThanOrEqual(Math.max(10, total("calls") * 0.2));
        if (retries < wanted)
          expect(total("retries") + 1).toBeGreaterThan(Math.max(10, total("calls") * 0.2));
      }
    }),
  );
});

test("no jump of the clock gives more than a window's allowance, or none for ever", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -1e9, max: 1e12, noNaN: true }), { maxLength: 30 }), (times) => {
      let now = 0;
      const budget = createRetryBudget({ now: () => now });
      for (const time of times) {
        now = time;
        for (let i = 0; i < 100; i++) budget.deposit();
        expect(withdrawAll(budget)).toBeLessThanOrEqual(20 * (times.length + 1));
      }
      now += 20_000;
      expect(withdrawAll(budget)).toBeGreaterThan(0);
    }),
  );
});
