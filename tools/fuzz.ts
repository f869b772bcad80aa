/**
 * Fuzzes the gateway: paths, queries, headers, JSON, and raw frames of every
 * protocol, against a real one with a service behind it, and its functions
 * alone. Usage: node tools/fuzz.ts [--inputs 1000000] [--seconds N] [--seed N]
 *
 * Fails on an answer of 500, a fault logged, a hang, a crash, an unhandled
 * rejection, or memory that grows. What failed is printed with the arguments
 * that bring it about again: --kind, --from and --seed.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const program = join(import.meta.dirname, "..", "test", "gateway", "kit", "fuzz-run.ts");
const { status } = spawnSync(process.execPath, [program, ...process.argv.slice(2)], { stdio: "inherit" });
process.exitCode = status ?? 1;
