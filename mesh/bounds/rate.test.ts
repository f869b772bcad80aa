import { expect, test } from "vitest";
import { createRate } from "./rate.ts";

test("a rate is exceeded by more than is allowed within a window, and forgets with the next", () => {
  let now = 0;
  const exceeded = createRate(3, 1000, () => now);
  expect([exceeded(), exceeded(), exceeded()]).toEqual([false, false, false]);
  expect(exceeded()).toBe(true);
  now = 1001;
  expect(exceeded()).toBe(false);
});
