import fc from "fast-check";
import { expect, test } from "vitest";
import { createAnswers } from "./answers.ts";
import { cacheLimits } from "./cache-limits.ts";
import { kept } from "./testing/asking.ts";

const answer = (data: string, askedMs = 0) => ({
  kept: kept(data),
  askedMs,
  maxAgeMs: 1000,
  events: 0,
  gaps: 0,
});

test("who was not asked for the longest goes first", () => {
  const answers = createAnswers(3 * 1100);
  for (const key of ["a", "b", "c"]) answers.put(key, answer("x".repeat(500)));
  answers.get("a");
  answers.put("d", answer("x".repeat(500)));
  expect(["a", "b", "c", "d"].map((key) => answers.get(key) !== undefined)).toEqual([
    true,
    false,
    true,
    true,
  ]);
});

test("an answer asked for earlier does not take the place of a later one", () => {
  const answers = createAnswers(10_000);
  answers.put("a", answer("new", 2));
  answers.put("a", answer("old", 1));
  expect(answers.get("a")?.kept.data).toBe("new");
});

test("keys count too", () => {
  const answers = createAnswers(10_000_000);
  answers.put("k".repeat(cacheLimits.entryBytes / 2), answer("1"));
  expect([answers.size, answers.bytes]).toEqual([0, 0]);
});

test("never more than its bound is held, it counts what it holds, and data stays the same", () => {
  const step = fc.record({
    key: fc.nat(30).map(String),
    data: fc.oneof(
      fc.nat(900).map((n) => "x".repeat(n)),
      fc.string({ maxLength: 30, unit: "binary" }),
    ),
    remove: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 8000 }), fc.array(step, { maxLength: 60 }), (maxBytes, steps) => {
      const answers = createAnswers(maxBytes);
      for (const { key, data, remove } of steps) {
        if (remove) answers.delete(key);
        else {
          answers.put(key, answer(data));
          const held = answers.get(key);
          if (held) expect(held.kept.data).toBe(data);
        }
        expect(answers.bytes).toBeLessThanOrEqual(maxBytes);
        expect(answers.bytes).toBeGreaterThanOrEqual(answers.size * 512);
      }
      for (let key = 0; key <= 30; key++) answers.delete(String(key));
      expect([answers.bytes, answers.size]).toEqual([0, 0]);
    }),
    { numRuns: 40 },
  );
});
