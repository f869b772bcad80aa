import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createGathering } from "./gathering.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("few wait for others until the first has waited long enough", () => {
  const over = vi.fn();
  const gathering = createGathering({ gatherMs: 100, enough: 10, over });
  expect(gathering.holds(1)).toBe(true);
  vi.advanceTimersByTime(60);
  expect(gathering.holds(2)).toBe(true);
  vi.advanceTimersByTime(40);
  expect(over).toHaveBeenCalledTimes(1);
  expect(gathering.holds(2)).toBe(false);
});

test("many wait for nobody, and the next ones are the first again", () => {
  const over = vi.fn();
  const gathering = createGathering({ gatherMs: 100, enough: 3, over });
  expect(gathering.holds(1)).toBe(true);
  expect(gathering.holds(3)).toBe(false);
  expect(gathering.holds(0)).toBe(false);
  vi.advanceTimersByTime(60);
  expect(gathering.holds(1)).toBe(true);
  vi.advanceTimersByTime(60);
  expect(over).not.toHaveBeenCalled();
  vi.advanceTimersByTime(40);
  expect(over).toHaveBeenCalledTimes(1);
});

test("nothing waits where nothing is to, or when it has been stopped", () => {
  const over = vi.fn();
  expect(createGathering({ gatherMs: 0, enough: 3, over }).holds(1)).toBe(false);
  const gathering = createGathering({ gatherMs: 100, enough: 3, over });
  gathering.holds(1);
  gathering.stop();
  vi.advanceTimersByTime(1000);
  expect(over).not.toHaveBeenCalled();
});
