/** Runs the fault tests of orders and prints how it went; see tools/chaos.ts. */
import { parseArgs } from "node:util";
import { faultsAsked } from "../faults-asked.ts";
import { ordersChaos } from "./chaos.ts";
import { describeFault, faultKinds, planFaults } from "./plan.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e9)) },
    seconds: { type: "string", default: "600" },
    people: { type: "string", default: "8" },
    faults: { type: "string", default: faultKinds.join(",") },
    keep: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const kinds = faultsAsked(values.faults, faultKinds);
const [seed, seconds, people] = [Number(values.seed), Number(values.seconds), Number(values.people)];
const say = (line: string) => {
  if (!values.json) console.log(line);
};
say(`seed ${seed}, ${seconds} s, ${people} people buy, faults: ${kinds.join(", ")}`);
const forMs = seconds * 1000;
const { folder, ...report } = await ordersChaos({
  seed,
  plan: planFaults(seed, forMs, kinds),
  forMs,
  people,
  keep: values.keep,
  told: (fault) => say(`${(fault.atMs / 1000).toFixed(1).padStart(7)} s  ${describeFault(fault)}`),
});
if (values.json) console.log(JSON.stringify({ seed, seconds, people, ...report }));
for (const [name, count] of Object.entries(report.counts)) say(`${name.padEnd(24)} ${count}`);
for (const { what, where } of report.complaints.slice(0, 50)) say(`FAILED ${what}: ${where}`);
say(`${report.complaints.length} complaints`);
if (values.keep) say(`logs are in ${folder}`);
if (report.complaints.length > 0) {
  say(`again: npm run chaos -- orders --seed ${seed} --seconds ${seconds} --people ${people}`);
}
process.exitCode = report.complaints.length > 0 ? 1 : 0;
