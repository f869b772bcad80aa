import { expect, test } from "vitest";
import { describeBacklog, isBacklogged } from "./backlog.ts";

const queue = (name: string, depth: number, paused = false) => ({
  name,
  depth,
  paused,
  concurrency: 0,
  scheduled: 0,
  inFlight: 0,
  dead: 0,
  done: 0,
  failed: 0,
  oldestMs: 0,
});

test("a thousand that wait are no backlog, and one more is", () => {
  expect(isBacklogged({ depth: 1000 })).toBe(false);
  expect(isBacklogged({ depth: 1001 })).toBe(true);
  expect(describeBacklog([queue("a", 1000)])).toBeUndefined();
});

test("each queue with a backlog is told of, and what to do", () => {
  const told = describeBacklog([queue("a", 1500), queue("b", 3), queue("c", 2000, true)]);
  expect(told).toMatch(/^1500 jobs .* in a, .*; 2000 jobs .* in c, which is paused/);
  expect(told).toMatch(/start more workers, or see why they fail$/);
});
