import { describe, expect, test } from "vitest";
import { createHedge, hedgePolicy } from "./hedge.ts";

const now = () => 5000;

describe("the delay", () => {
  test("is the contract's when it has one", () => {
    const hedge = createHedge({ now, policy: { ...hedgePolicy, delayMs: 30 } });
    expect(hedge.begin()).toBe(30);
  });

  test("is else the 95th percentile of what the method took, once enough is known", () => {
    const hedge = createHedge({ now });
    for (let i = 0; i < 99; i++) hedge.observed(10);
    expect(hedge.begin()).toBeUndefined();
    for (let i = 0; i < 4000; i++) hedge.observed(i % 10 === 0 ? 50 : 10);
    const delayMs = hedge.begin() ?? 0;
    expect(delayMs).toBeGreaterThan(40);
    expect(delayMs).toBeLessThan(60);
  });

  test("is never too short for a timer to be worth it", () => {
    const hedge = createHedge({ now, policy: { ...hedgePolicy, delayMs: 0 } });
    expect(hedge.begin()).toBe(hedgePolicy.minDelayMs);
    const quick = createHedge({ now });
    for (let i = 0; i < 200; i++) quick.observed(0.1);
    expect(quick.begin()).toBe(hedgePolicy.minDelayMs);
  });
});

test("however slow the callee, one call in twenty is hedged", () => {
  const hedge = createHedge({ now });
  let hedged = 0;
  for (let i = 0; i < 1000; i++) {
    hedge.begin();
    if (hedge.mayHedge()) hedged++;
  }
  expect(hedged).toBe(50);
});

test("a quiet caller may hedge once in ten seconds", () => {
  const hedge = createHedge({ now });
  hedge.begin();
  expect([hedge.mayHedge(), hedge.mayHedge()]).toEqual([true, false]);
});
