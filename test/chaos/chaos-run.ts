/** Runs the fault tests of the event bus and prints how it went; see tools/chaos.ts. */
import { parseArgs } from "node:util";
import { chaos, outage } from "./chaos.ts";
import { faultsAsked } from "./faults-asked.ts";
import type { Planned } from "./plan.ts";
import { describeFault, faultKinds, planFaults } from "./plan.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e9)) },
    seconds: { type: "string", default: "60" },
    rate: { type: "string", default: "200" },
    faults: { type: "string", default: faultKinds.join(",") },
    outage: { type: "string" },
    keep: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const kinds = faultsAsked(values.faults, faultKinds);
const [seed, seconds, rate] = [Number(values.seed), Number(values.seconds), Number(values.rate)];
const options = { perSecond: rate, keep: values.keep };
const say = (line: string) => {
  if (!values.json) console.log(line);
};
const told = (fault: Planned) =>
  say(`${(fault.atMs / 1000).toFixed(1).padStart(7)} s  ${describeFault(fault)}`);

const run = () => {
  if (values.outage !== undefined) {
    say(`NATS is away for ${values.outage} s, ${rate} changes a second`);
    return outage(Number(values.outage) * 1000, options);
  }
  say(`seed ${seed}, ${seconds} s, ${rate} changes a second, faults: ${kinds.join(", ")}`);
  const forMs = seconds * 1000;
  return chaos({ plan: planFaults(seed, forMs, kinds), forMs, told, ...options });
};

const { folder, ...report } = await run();
if (values.json) console.log(JSON.stringify({ seed, seconds, rate, ...report }));
for (const [name, count] of Object.entries(report.counts)) say(`${name.padEnd(22)} ${count}`);
if ("waited" in report) say(`${"waited in the outbox".padEnd(22)} ${report.waited}`);
for (const { what, where } of report.complaints.slice(0, 50)) say(`FAILED ${what}: ${where}`);
say(`${report.complaints.length} complaints`);
if (values.keep) say(`logs are in ${folder}`);
if (report.complaints.length > 0 && values.outage === undefined) {
  say(
    `again: npm run chaos -- --seed ${seed} --seconds ${seconds} --rate ${rate} --faults ${kinds.join(",")}`,
  );
}
process.exitCode = report.complaints.length > 0 ? 1 : 0;
