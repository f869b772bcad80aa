import type { Benchmark } from "../benchmark.ts";
import { ratiosAt, resultObjects, tablesOf } from "../harness/results.ts";
import type { Table } from "../harness/table.ts";
import type { FlowFigures } from "./flow.ts";
import { measureFlow } from "./flow.ts";
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
    const ratios = ratiosAt(publishing, direct, "weft", ["raw-publish"]);
    return {
      tables: [
        ...tablesOf(publishing, { ours: "weft", unit: "events", columns: [["CPU µs", "cpuMicros", 0]] }),
        flowTable(flow),
      ],
      ratios,
      targets: targetsOf(ratios, flow),
      cases: resultObjects([...publishing, { case: "commit-to-effect", ...flow }]),
    };
  },
};

const flowTable = ({ perSecond, drainPerSecond, p50Ms, p99Ms, rate }: FlowFigures): Table => ({
  title: "from commit to effect, by outbox, relay, broker and inbox",
  head: ["", "events/s", "p50 ms", "p99 ms"],
  rows: [
    ["changes and effects at the same time", perSecond.toFixed(0), "", ""],
    ["effects of what waited", drainPerSecond.toFixed(0), "", ""],
    [`at ${rate} changes a second`, "", p50Ms.toFixed(1), p99Ms.toFixed(1)],
  ],
});
