import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dueMs, leaves, defaultViewPolicy as policy } from "./view-policy.ts";

const { leaseMs, disbeliefMs } = policy;
const at = (nowMs: number, renewedMs: number, siblingMs: number, currentSinceMs: number | undefined = -1e6) =>
  leaves({ renewedMs, siblingMs, currentSinceMs }, nowMs, policy);

describe("a silent instance", () => {
  test("leaves after a lease when its siblings went on", () => {
    expect(at(leaseMs - 1, 0, leaseMs - 500)).toBe(false);
    expect(at(leaseMs, 0, leaseMs - 500)).toBe(true);
  });

  test("stays when all its siblings fell silent with it, until that is believed", () => {
    expect(at(leaseMs, 0, 1999)).toBe(false);
    expect(at(leaseMs + disbeliefMs - 1, 0, 1999)).toBe(false);
    expect(at(leaseMs + disbeliefMs, 0, 1999)).toBe(true);
  });

  test("that has no sibling is one that all fell silent with", () => {
    expect(at(leaseMs, 0, 0)).toBe(false);
    expect(at(leaseMs + disbeliefMs, 0, 0)).toBe(true);
  });

  test("leaves once another instance of its service has come", () => {
    expect(at(leaseMs + 100, 0, leaseMs + 50)).toBe(true);
  });

  test("has one lease from when the view is current again", () => {
    const back = 60_000;
    expect(at(back + leaseMs - 1, 0, back + 5000, back)).toBe(false);
    expect(at(back + leaseMs, 0, back + 5000, back)).toBe(true);
  });

  test("stays for as long as the view is not current", () => {
    expect(leaves({ renewedMs: 0, siblingMs: 1e9, currentSinceMs: undefined }, 1e9, policy)).toBe(false);
  });
});

const time = fc.integer({ min: 0, max: 200_000 });
const silence = fc.record({ renewedMs: time, siblingMs: time, currentSinceMs: time });

test("whoever renewed within its lease stays, whatever the others do", () => {
  fc.assert(
    fc.property(silence, fc.integer({ min: 0, max: leaseMs - 1 }), (it, ago) => {
      expect(leaves(it, it.renewedMs + ago, policy)).toBe(false);
    }),
  );
});

test("whoever is silent leaves in the end, and does not come back by waiting", () => {
  fc.assert(
    fc.property(silence, time, fc.nat(), (it, nowMs, laterMs) => {
      if (leaves(it, nowMs, policy)) expect(leaves(it, nowMs + laterMs, policy)).toBe(true);
      const end = dueMs(it.renewedMs, it.currentSinceMs, policy) + disbeliefMs;
      expect(leaves(it, end, policy)).toBe(true);
    }),
  );
});

test("instances that renew every two seconds and all fall silent at once stay together", () => {
  const phases = fc.array(fc.integer({ min: 0, max: 2000 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(phases, fc.integer({ min: 0, max: leaseMs + disbeliefMs - 2001 }), (renewals, sinceMs) => {
      const siblingMs = Math.max(...renewals);
      for (const renewedMs of renewals) expect(at(2000 + sinceMs, renewedMs, siblingMs)).toBe(false);
    }),
  );
});
