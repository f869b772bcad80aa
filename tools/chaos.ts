/**
 * Breaks what is built to stand while it works, and checks what became of it.
 * Its stores and processes are its own. The faults of a seed are the same each
 * time; when they hit is up to the machine. With --keep the logs stay, in the
 * folder that is named at the end.
 *
 * node tools/chaos.ts [events] [--seed N] [--seconds 60] [--rate 200]
 *   [--faults kill,cut,…] [--outage <seconds>] [--json] [--keep]
 *   The event bus: each acknowledged change has its effect once, in order. With
 *   --outage the only fault is that NATS is away for so long.
 *
 * node tools/chaos.ts orders [--seed N] [--seconds 600] [--people 8]
 *   [--faults kill,power,…] [--json] [--keep]
 *   A shop with all its services: each order ends paid or undone, and no money
 *   and no goods are anywhere else.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const programs: Readonly<Record<string, string>> = {
  events: "chaos-run.ts",
  orders: join("orders", "chaos-run.ts"),
};
const [first = "", ...rest] = process.argv.slice(2);
const named = Object.hasOwn(programs, first);
if (!named && first !== "" && !first.startsWith("-")) {
  console.error(`nothing called "${first}" is broken here; choose of ${Object.keys(programs).join(", ")}`);
  process.exit(2);
}
const program = join(import.meta.dirname, "..", "test", "chaos", programs[named ? first : "events"] ?? "");
const args = named ? rest : process.argv.slice(2);
const { status } = spawnSync(process.execPath, [program, ...args], { stdio: "inherit" });
process.exitCode = status ?? 1;
