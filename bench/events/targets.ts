import type { Target } from "../benchmark.ts";
import type { FlowFigures } from "./flow.ts";

const wanted = { publishRatio: 0.8, perSecond: 3000, p50Ms: 20, jobsRatio: 1 };

export function targetsOf(ratios: Readonly<Record<string, number>>, flow: FlowFigures): Target[] {
  return [
    ...atLeast("direct publish ÷ raw client", wanted.publishRatio, ratios["raw-publish"]),
    ...atLeast("jobs ÷ pg-boss", wanted.jobsRatio, ratios["pg-boss"]),
    ...atLeast("outbox to effect, events/s", wanted.perSecond, flow.drainPerSecond),
    {
      name: `p50 ms from commit to effect at ${flow.rate}/s`,
      wanted: `≤ ${wanted.p50Ms}`,
      measured: flow.p50Ms,
      met: flow.p50Ms <= wanted.p50Ms,
    },
  ];
}

/** Nothing where it was not measured. */
const atLeast = (name: string, least: number, measured: number | undefined): Target[] =>
  measured === undefined ? [] : [{ name, wanted: `≥ ${least}`, measured, met: measured >= least }];
