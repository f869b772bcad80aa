import { expect, test } from "vitest";
import type { OrdersReport } from "./chaos.ts";
import { ordersChaos } from "./chaos.ts";
import { describeFault, faultKinds, planFaults } from "./plan.ts";

/** Another one with WEFT_CHAOS_SEED. */
const seed = Number(process.env.WEFT_CHAOS_SEED ?? 2);
const forMs = 20_000;
const people = 4;

/** What there is to know when somebody reads that it failed. */
const account = ({ faults, counts }: OrdersReport) =>
  [
    `again: npm run chaos -- orders --seed ${seed} --seconds ${forMs / 1000} --people ${people}`,
    ...faults.map((fault) => `${(fault.atMs / 1000).toFixed(1)} s ${describeFault(fault)}`),
    JSON.stringify(counts),
  ].join("\n");

test("every order ends paid or undone, with its money and its goods where they belong, whatever process is killed", {
  timeout: 400_000,
}, async () => {
  const report = await ordersChaos({ seed, forMs, people, plan: planFaults(seed, forMs, faultKinds) });
  expect(report.complaints.slice(0, 20), account(report)).toEqual([]);
  expect(report.counts["orders placed"], account(report)).toBeGreaterThan(10);
  expect(report.counts.charges, account(report)).toBeGreaterThan(3);
});
