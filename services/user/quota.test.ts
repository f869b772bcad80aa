import { describe, expect, test } from "vitest";
import { quota } from "./quota.ts";
import type { Failures } from "./throttle.ts";

const { wait, next } = quota({ limit: 3, windowMs: 1000 });
const none: Failures = { count: 0, sinceMs: 0, lastMs: 0 };

describe("quota", () => {
  test("so many are free, the next waits for the end of the window", () => {
    const full = next(next(next(none, 100), 200), 300);
    expect([none, next(none, 100), full].map((it) => wait(it, 300))).toEqual([0, 0, 800]);
    expect(wait(full, 1099)).toBe(1);
    expect(wait(full, 1100)).toBe(0);
  });

  test("a new window begins with the first after the old one", () => {
    const full = next(next(next(none, 100), 200), 300);
    expect(next(full, 1500)).toEqual({ count: 1, sinceMs: 1500, lastMs: 1500 });
  });

  test("a clock that runs ahead elsewhere makes no wait longer than the window", () => {
    expect(wait({ count: 3, sinceMs: 9000, lastMs: 9000 }, 0)).toBe(1000);
  });
});
