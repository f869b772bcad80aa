/** Fuzzes the gateway and prints how it went; see tools/fuzz.ts. */
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "1000000" },
    seconds: { type: "string" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e9)) },
    kind: { type: "string" },
    from: { type: "string", default: "0" },
  },
});

/** Memory that answers and connections may leave behind, whatever came before. */
const mostHeapGrowth = 64 * 1024 * 1024;
const mostRssGrowth = 600 * 1024 * 1024;
const mb = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;

const [inputs, seed] = [Number(values.inputs), Number(values.seed)];
console.log(`seed ${seed}, ${inputs} inputs`);
const {
  counts,
  failures,
  before,
  after,
  perSecond,
  inputs: done,
} = await fuzz({
  inputs,
  seed,
  from: Number(values.from),
  ...(values.seconds !== undefined && { seconds: Number(values.seconds) }),
  ...(values.kind !== undefined && { kind: values.kind }),
  progress: (count) => {
    if (process.stdout.isTTY) process.stdout.write(`\r${count}`);
    else if (count % 100_000 === 0) console.log(`${count} done`);
  },
});
for (const [kind, of] of Object.entries(counts)) {
  const all = Object.entries(of).map(([what, count]) => `${what}: ${count}`);
  console.log(`${kind.padEnd(10)} ${all.join(", ")}`);
}
const heapGrowth = after.heapBytes - before.heapBytes;
const rssGrowth = after.rssBytes - before.rssBytes;
console.log(
  `memory of the gateway's process: heap ${mb(before.heapBytes)} to ${mb(after.heapBytes)}, in all ${mb(before.rssBytes)} to ${mb(after.rssBytes)}`,
);
const all = [...failures];
if (heapGrowth > mostHeapGrowth || rssGrowth > mostRssGrowth) all.push("memory grows with the inputs");
for (const it of all) console.log(`FAILED ${it}`);
console.log(`${done} inputs, ${Math.round(perSecond)} a second, ${all.length} failures`);
process.exitCode = all.length > 0 || done === 0 ? 1 : 0;
