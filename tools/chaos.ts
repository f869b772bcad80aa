/**
 * Breaks the event bus in every way there is while changes are made, and checks
 * that each acknowledged change had its effect once, in order. Its stores and
 * processes are its own. Usage: node tools/chaos.ts [--seed N] [--seconds 60]
 * [--rate 200] [--faults kill,cut,…] [--outage <seconds>] [--json] [--keep]
 *
 * The faults of a seed are the same each time; when they hit is up to the
 * machine. With --outage the only fault is that NATS is away for so long. With
 * --keep the logs stay, in the folder that is named at the end.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const program = join(import.meta.dirname, "..", "test", "chaos", "chaos-run.ts");
const { status } = spawnSync(process.execPath, [program, ...process.argv.slice(2)], { stdio: "inherit" });
process.exitCode = status ?? 1;
