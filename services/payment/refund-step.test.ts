import fc from "fast-check";
import { expect, test } from "vitest";
import type { State } from "./payments-store.ts";
import { nextLook, refundStep } from "./refund-step.ts";

const told = fc.array(fc.constantFrom("none", "pending", "succeeded", "failed"), { maxLength: 12 });

const after = (state: State, step: ReturnType<typeof refundStep>): State => {
  if (step === "succeeded") return "succeeded";
  return step === "failed" || step === "came_back" ? "failed" : state;
};

test("however often and in whatever order it is told, money goes once, and comes back once at most", () => {
  fc.assert(
    fc.property(told, (answers) => {
      let state: State = "pending";
      const steps = answers.map((answer) => {
        const step = refundStep(state, answer);
        state = after(state, step);
        return step;
      });
      const count = (wanted: string) => steps.filter((step) => step === wanted).length;
      expect(count("succeeded") + count("failed")).toBeLessThanOrEqual(1);
      expect(count("came_back")).toBeLessThanOrEqual(count("succeeded"));
      const ends = answers.filter((it) => it === "succeeded" || it === "failed");
      const stays = ends[0] === "succeeded" && !ends.includes("failed");
      expect(state).toBe(ends.length === 0 ? "pending" : stays ? "succeeded" : "failed");
    }),
  );
});

test("looks come after 1, 2, 4, 8, 16 and 32 days, and then no more", () => {
  const day = 24 * 3_600_000;
  const made = new Date("2031-01-01T00:00:00Z");
  const looks: number[] = [];
  for (let at = nextLook(made, made.getTime()); at; at = nextLook(made, at.getTime())) {
    looks.push((at.getTime() - made.getTime()) / day);
    if (looks.length > 20) break;
  }
  expect(looks).toEqual([1, 2, 4, 8, 16, 32]);
  expect(nextLook(made, made.getTime() + 5 * day)).toEqual(new Date("2031-01-09T00:00:00Z"));
});
