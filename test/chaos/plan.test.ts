import { expect, test } from "vitest";
import { describeFault, faultKinds, planFaults } from "./plan.ts";

test("a seed has one plan, of the kinds that were asked for", () => {
  const plan = planFaults(7, 60_000, ["cut", "stop"]);
  expect(planFaults(7, 60_000, ["cut", "stop"])).toEqual(plan);
  expect(planFaults(8, 60_000, ["cut", "stop"])).not.toEqual(plan);
  expect(new Set(plan.map(({ kind }) => kind))).toEqual(new Set(["cut", "stop"]));
  expect(planFaults(7, 60_000, [])).toEqual([]);
});

test("a plan comes in the order of time, within its time, and each fault can be told", () => {
  const plan = planFaults(1, 600_000, faultKinds);
  expect(new Set(plan.map(({ kind }) => kind))).toEqual(new Set(faultKinds));
  expect(plan.map(({ atMs }) => atMs)).toEqual(plan.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
  expect(plan.at(-1)!.atMs).toBeLessThan(600_000);
  for (const fault of plan) expect(describeFault(fault)).toMatch(/\w+ .*\w/);
});
