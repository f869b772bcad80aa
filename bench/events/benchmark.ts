import type { Benchmark } from "../benchmark.ts";
import { ratiosAt, resultObjects, tablesOf } from "../harness/results.ts";
import { ratiosTo } from "../harness/statistics.ts";
import type { Table } from "../harness/table.ts";
import type { FlowFigures } from "./flow.ts";
import { measureFlow } from "./flow.ts";
import type { JobsResult } from "./jobs.ts";
import { compareJobs } from "./jobs.ts";
import { comparePublishing, direct } from "./publishing.ts";
import { startStores } from "./stores.ts";
import { targetsOf } from "./targets.ts";

export const events: Benchmark = {
  summary: "publishing, from commit to effect, and jobs, next to the raw client and to job queues",
  needsPeers: true,
  async run(settings) {
    await using stores = await startStores();
    const publishing = await comparePublishing(stores.natsUrl, settings);
    const flow = await measureFlow(stores, settings);
    const jobs = await compareJobs(stores, settings);
    const ratios = {
      ...ratiosAt(publishing, direct, "weft", ["raw-publish"]),
      ...jobRatio(jobs),
    };
    return {
      tables: [
        ...tablesOf(publishing, { ours: "weft", unit: "events", columns: [["CPU µs", "cpuMicros", 0]] }),
        flowTable(flow),
        jobsTable(jobs),
      ],
      ratios,
      targets: targetsOf(ratios, flow),
      cases: resultObjects([
        ...publishing,
        { case: "commit-to-effect", ...flow },
        ...jobs.map((it) => ({ case: "jobs", ...it })),
      ]),
    };
  },
};

function jobRatio(jobs: readonly JobsResult[]): Record<string, number> {
  const [ours, theirs] = ["weft", "pg-boss"].map((name) => jobs.find(({ peer }) => peer === name)?.perSecond);
  return ours === undefined || theirs === undefined ? {} : ratiosTo(ours, { "pg-boss": theirs });
}

const jobsTable = (jobs: readonly JobsResult[]): Table => ({
  title: "jobs, from asking for one to its being done",
  head: ["", "jobs/s", "±", "CPU µs"],
  rows: jobs.map(({ peer, perSecond, spread, cpuMicros }) => [
    peer,
    perSecond.toFixed(0),
    `${(spread * 100).toFixed(0)} %`,
    cpuMicros.toFixed(0),
  ]),
});

const flowTable = ({ perSecond, drainPerSecond, p50Ms, p99Ms, rate }: FlowFigures): Table => ({
  title: "from commit to effect, by outbox, relay, broker and inbox",
  head: ["", "events/s", "p50 ms", "p99 ms"],
  rows: [
    ["changes and effects at the same time", perSecond.toFixed(0), "", ""],
    ["from outbox to effect, of what waited", drainPerSecond.toFixed(0), "", ""],
    [`at ${rate} changes a second`, "", p50Ms.toFixed(1), p99Ms.toFixed(1)],
  ],
});
