/** `node bench/main.ts <benchmark>`: runs one benchmark and says what it found. */
import { fail } from "../mesh/errors.ts";
import type { Arguments } from "./arguments.ts";
import { readArguments } from "./arguments.ts";
import type { Outcome } from "./benchmark.ts";
import { generateContract } from "./harness/contract.ts";
import { installPeers } from "./harness/install.ts";
import { machine } from "./harness/machine.ts";
import { createProgress } from "./harness/progress.ts";
import type { Table } from "./harness/table.ts";
import { printTable } from "./harness/table.ts";
import { benchmarks } from "./registry.ts";

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => stopping.abort(fail.aborted("stopped", "the benchmark was stopped")));
}

try {
  const args = readArguments(process.argv.slice(2));
  if (args.help || args.benchmark === "") await help();
  else await run(args);
} catch (error) {
  process.exitCode = 1;
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  if (process.env.WEFT_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
}

async function run(args: Arguments): Promise<void> {
  const load = Object.hasOwn(benchmarks, args.benchmark) ? benchmarks[args.benchmark] : undefined;
  if (!load) {
    throw fail.invalid("usage", `there is no benchmark "${args.benchmark}"`, {
      remedy: `there are ${Object.keys(benchmarks).join(", ")}`,
    });
  }
  const benchmark = await load();
  if (benchmark.needsPeers) await installPeers();
  await generateContract();
  const progress = createProgress();
  try {
    report(args, await benchmark.run({ ...args, progress, signal: stopping.signal }));
  } finally {
    progress.done();
  }
}

function report({ benchmark, json }: Arguments, { tables, ratios, targets, cases }: Outcome): void {
  const date = new Date().toISOString();
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ benchmark, machine: machine(), date, cases, ratios, targets }, null, 2)}\n`,
    );
    return;
  }
  const { cpu, cores, node, os } = machine();
  const parts = [`${benchmark} on ${cpu}, ${cores} cores, Node ${node}, ${os}, ${date}`];
  for (const table of tables) parts.push(printTable(table));
  if (targets.length > 0) parts.push(printTable(targetTable(targets)));
  process.stdout.write(`${parts.join("\n\n")}\n`);
}

function targetTable(targets: Outcome["targets"]): Table {
  const rows = targets.map(({ name, wanted, measured, met }) => [
    name,
    wanted,
    measured.toFixed(2),
    met ? "met" : "missed",
  ]);
  return { title: "targets", head: ["", "wanted", "measured", ""], rows };
}

async function help(): Promise<void> {
  const lines = await Promise.all(
    Object.entries(benchmarks).map(async ([name, load]) => `  ${name.padEnd(10)} ${(await load()).summary}`),
  );
  process.stdout.write(`Usage: npm run bench -- <benchmark> [flags]

${lines.join("\n")}

  --quick       less than a minute: an impression, not a result
  --seconds N   length of one measurement
  --peer a,b    compare with these only
  --features    what each of Weft's own features costs (rpc, gateway)
  --json        one JSON object on standard output
`);
}
