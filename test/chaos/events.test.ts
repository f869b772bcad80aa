import { expect, test } from "vitest";
import type { Report } from "./chaos.ts";
import { chaos, outage } from "./chaos.ts";
import { describeFault, faultKinds, planFaults } from "./plan.ts";

const longMs = 300_000;
/** Another one with WEFT_CHAOS_SEED. */
const seed = Number(process.env.WEFT_CHAOS_SEED ?? 4);

/** What there is to know when somebody reads that it failed. */
const account = ({ faults, counts }: Report) =>
  [
    `again: WEFT_CHAOS_SEED=${seed}, or npm run chaos -- --seed ${seed} --seconds 25 --rate 80`,
    ...faults.map((fault) => `${(fault.atMs / 1000).toFixed(1)} s ${describeFault(fault)}`),
    JSON.stringify(counts),
  ].join("\n");

test(
  "every acknowledged change has one effect at each consumer, in order, whatever is killed, stopped, cut or full",
  async () => {
    const forMs = 25_000;
    const report = await chaos({ plan: planFaults(seed, forMs, faultKinds), forMs, perSecond: 80 });
    expect(report.complaints.slice(0, 20), account(report)).toEqual([]);
    expect(report.counts.acknowledged, account(report)).toBeGreaterThan(100);
    expect(report.counts.deadLetters).toBeGreaterThan(0);
  },
  longMs,
);

test(
  "events that NATS acknowledged and lost are published again, and have one effect",
  async () => {
    const report = await chaos({
      plan: [{ kind: "forget", atMs: 1000, forMs: 2000 }],
      forMs: 4000,
      perSecond: 80,
    });
    expect(report.complaints.slice(0, 20), account(report)).toEqual([]);
    expect(report.counts.published, account(report)).toBeGreaterThan(report.counts.committed!);
    expect(report.counts.repeated, account(report)).toBeGreaterThan(0);
  },
  longMs,
);

test(
  "while NATS is away the outbox fills, and it is emptied afterwards",
  async () => {
    const report = await outage(15_000, { perSecond: 80 });
    expect(report.complaints.slice(0, 20), account(report)).toEqual([]);
    expect(report.waited, account(report)).toBeGreaterThan(100);
  },
  longMs,
);
