import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Failures, ThrottlePolicy } from "./throttle.ts";
import { waitLeft, withFailure } from "./throttle.ts";

const minuteMs = 60_000;
const policy: ThrottlePolicy = {
  freeFailures: 5,
  windowMs: 15 * minuteMs,
  firstWaitMs: 1000,
  longestWaitMs: 15 * minuteMs,
};
const none = (nowMs: number): Failures => ({ count: 0, sinceMs: nowMs, lastMs: nowMs });

function fail(times: number, nowMs = 0): Failures {
  let failures = none(nowMs);
  for (let i = 0; i < times; i++) failures = withFailure(policy, failures, nowMs);
  return failures;
}

describe("throttle", () => {
  test("the free failures cost no waiting", () => {
    expect(waitLeft(policy, fail(4), 0)).toBe(0);
  });

  test("each failure beyond them doubles the wait up to the longest", () => {
    expect([5, 6, 7, 8, 30].map((times) => waitLeft(policy, fail(times), 0))).toEqual([
      1000,
      2000,
      4000,
      8000,
      15 * minuteMs,
    ]);
  });

  test("the wait counts from the last failure", () => {
    expect(waitLeft(policy, fail(6), 1500)).toBe(500);
    expect(waitLeft(policy, fail(6), 2000)).toBe(0);
  });

  test("few failures are forgotten when their window is over", () => {
    expect(withFailure(policy, fail(4), 15 * minuteMs).count).toBe(1);
    expect(withFailure(policy, fail(4), 15 * minuteMs - 1).count).toBe(5);
  });

  test("many failures are forgotten only after quiet, so patience wins no free tries", () => {
    const failures = fail(30);
    expect(withFailure(policy, failures, 15 * minuteMs).count).toBe(31);
    expect(withFailure(policy, failures, 30 * minuteMs).count).toBe(1);
  });

  test("a clock that runs ahead elsewhere never makes the wait longer than the policy's", () => {
    expect(waitLeft(policy, { ...fail(5), lastMs: 3_600_000 }, 0)).toBe(1000);
  });

  test("however tries are timed, an hour lets few failures through", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 10 * minuteMs }), { maxLength: 400 }), (gaps) => {
        let failures = none(0);
        let nowMs = 0;
        const failedAt: number[] = [];
        for (const gap of gaps) {
          nowMs += gap;
          if (waitLeft(policy, failures, nowMs) > 0) continue;
          failures = withFailure(policy, failures, nowMs);
          failedAt.push(nowMs);
        }
        // 5 free, the doubling waits 1 s to 8 min, then one each 15 min; a
        // window that ended in between gives the free ones twice at most.
        for (const start of failedAt) {
          const within = failedAt.filter((at) => at >= start && at < start + 60 * minuteMs).length;
          expect(within).toBeLessThanOrEqual(30);
        }
      }),
    );
  });
});
