/**
 * All checks, as `npm test` runs them. Every check runs even when an earlier
 * one failed; the last line counts checks and tests together.
 * With file names, runs only those tests.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./buf.ts";

interface Counts {
  passed: number;
  failed: number;
}

const [, , ...files] = process.argv;
const bin = (name: string) => join(root, "node_modules", ".bin", name);
const tool = (name: string) => [process.execPath, join(root, "tools", name)];

const checks: ReadonlyArray<readonly [name: string, command: readonly string[]]> = [
  ["types", [bin("tsc"), "--noEmit"]],
  ["style", [bin("biome"), "ci", "--colors=off", "."]],
  ["boundaries", tool("boundaries.ts")],
  ["contracts: source of others", tool("protos.ts")],
  ["contracts: lint", [bin("buf"), "lint"]],
  ["contracts: format", [bin("buf"), "format", "--diff", "--exit-code", "proto"]],
  ["contracts: breaking changes", tool("breaking.ts")],
  ["contracts: gen/ is current", tool("gen-is-current.ts")],
];

const total: Counts = { passed: 0, failed: 0 };
if (files.length === 0) for (const [name, command] of checks) add(runCheck(name, command));
add(runTests(files));
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 ? 1 : 0;

function add({ passed, failed }: Counts): void {
  total.passed += passed;
  total.failed += failed;
}

function runCheck(name: string, [program = "", ...args]: readonly string[]): Counts {
  const started = performance.now();
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: root, encoding: "utf8" });
  const well = status === 0;
  console.log(`${well ? "✓" : "✗"} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  if (!well)
    console.log([stdout, stderr, error?.message].filter(Boolean).join("\n").trim().replace(/^/gm, "    "));
  return { passed: well ? 1 : 0, failed: well ? 0 : 1 };
}

function runTests(only: readonly string[]): Counts {
  const folder = mkdtempSync(join(tmpdir(), "weft-test-"));
  const results = join(folder, "results.json");
  try {
    const { status } = spawnSync(
      bin("vitest"),
      ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${results}`, ...only],
      { cwd: root, stdio: "inherit" },
    );
    return countTests(results, status === 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A run that failed without a failed test (a file that does not load, an error outside) counts as one. */
function countTests(results: string, well: boolean): Counts {
  try {
    const { numPassedTests: passed, numFailedTests: failed } = JSON.parse(readFileSync(results, "utf8")) as {
      numPassedTests: number;
      numFailedTests: number;
    };
    return { passed, failed: well ? failed : Math.max(1, failed) };
  } catch {
    return { passed: 0, failed: 1 };
  }
}
