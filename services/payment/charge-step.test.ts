import fc from "fast-check";
import { expect, test } from "vitest";
import { chargeStep } from "./charge-step.ts";
import type { State } from "./payments-store.ts";

const told = fc.array(fc.constantFrom("pending", "succeeded", "failed"), { maxLength: 12 });

const after = (state: State, step: ReturnType<typeof chargeStep>): State => {
  if (step === "charged" || step === "surplus") return "succeeded";
  return step === "failed" ? "failed" : state;
};

test("however often and in whatever order it is told, money is booked once, when it came and not before", () => {
  fc.assert(
    fc.property(told, (answers) => {
      let state: State = "pending";
      const steps = answers.map((answer) => {
        const step = chargeStep(state, answer);
        state = after(state, step);
        return step;
      });
      const booked = steps.filter((step) => step === "charged" || step === "surplus").length;
      expect(booked).toBe(answers.includes("succeeded") ? 1 : 0);
      expect(steps.filter((step) => step === "failed").length).toBeLessThanOrEqual(1);
      if (booked) expect(state).toBe("succeeded");
    }),
  );
});

test("what comes after it was given up is surplus", () => {
  expect(chargeStep("failed", "succeeded")).toBe("surplus");
  expect(chargeStep("failed", "pending")).toBe("nothing");
  expect(chargeStep("succeeded", "failed")).toBe("nothing");
});
