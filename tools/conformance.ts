/**
 * Runs the official Connect conformance suite against our server and our
 * client. Usage: node tools/conformance.ts [--server] [--client] [--express]
 * [--verbose] [--run <pattern>]...
 *
 * Without `--server` or `--client`, both. `--express` sends every single call
 * through the express lane. Needs Go, which builds the suite; without it, this
 * says so and exits with 2.
 */
import type { StdioOptions } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { parseArgs } from "node:util";
import { buf, root } from "./buf.ts";

const suite = "connectrpc.com/conformance";
const version = "v1.0.5";

const folder = join(root, ".weft", "conformance", version);
const runner = join(folder, process.platform === "win32" ? "connectconformance.exe" : "connectconformance");
const contracts = join(folder, "contracts.binpb");
const programs = join(root, "test", "conformance");

type Side = "server" | "client";

interface Totals {
  passed: number;
  failed: number;
}

const { values: asked } = parseArgs({
  options: {
    server: { type: "boolean", default: false },
    client: { type: "boolean", default: false },
    express: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
    run: { type: "string", multiple: true, default: [] },
  },
});

async function main(): Promise<number> {
  if (!isBuilt()) {
    const go = findGo();
    if (go === undefined) {
      console.error(
        `the conformance suite is a Go program, and there is no Go here: install Go 1.24 or newer (https://go.dev/dl), see that \`go\` is on PATH, and run this again`,
      );
      return 2;
    }
    if (!(await build(go))) return 2;
  }
  const sides = (["server", "client"] as const).filter((it) => asked[it] || asked.server === asked.client);
  const total: Totals = { passed: 0, failed: 0 };
  for (const side of sides) {
    const { passed, failed } = await run(side);
    console.log(
      `${side}${asked.express ? ", single calls by express" : ""}: ${passed} passed, ${failed} failed`,
    );
    total.passed += passed;
    total.failed += failed;
  }
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

function isBuilt(): boolean {
  return existsSync(runner) && existsSync(contracts);
}

/** On PATH, or where Go's own installer puts it. */
function findGo(): string | undefined {
  const usual = process.platform === "win32" ? "C:\\Program Files\\Go\\bin" : "/usr/local/go/bin";
  const env = { ...process.env, PATH: `${process.env.PATH ?? ""}${delimiter}${usual}` };
  const { status, stdout } = spawnSync("go", ["env", "GOROOT"], { env, encoding: "utf8" });
  return status === 0 ? join(stdout.trim(), "bin", "go") : undefined;
}

async function build(go: string): Promise<boolean> {
  mkdirSync(folder, { recursive: true });
  console.log(`building ${suite} ${version}: some minutes the first time`);
  const env = { ...process.env, GOBIN: folder };
  const built = await ended(go, ["install", `${suite}/cmd/connectconformance@${version}`], { env });
  if (built !== 0) {
    console.error("the suite could not be built: what Go says stands above; it must reach its module proxy");
    return false;
  }
  console.log("compiling its contracts");
  const module = spawnSync(go, ["mod", "download", "-json", `${suite}@${version}`], {
    env,
    encoding: "utf8",
  });
  const { Dir: source, Error: why } = JSON.parse(module.stdout || "{}") as { Dir?: string; Error?: string };
  if (!source) {
    console.error(`the suite's source was not found: ${why ?? module.stderr}`);
    return false;
  }
  try {
    buf(["build", join(source, "proto"), "--config", '{"version":"v2"}', "--output", contracts]);
    return true;
  } catch {
    // What is wrong, and where, buf has said itself.
    return false;
  }
}

/** The suite's runner starts our program, and says at its end how many cases passed. */
async function run(side: Side): Promise<Totals> {
  const started = performance.now();
  console.log(`testing our ${side}`);
  const program = [process.execPath, join(programs, `${side}.ts`), contracts];
  if (asked.express) program.push("express");
  const options = ["--mode", side, "--conf", join(programs, "config.yaml"), "--max-servers", "2"];
  if (asked.verbose) options.push("--vv", "--trace");
  for (const pattern of asked.run) options.push("--run", pattern);
  let said = "";
  // What the program under test logs is of use only to whoever looks for a mistake.
  const stdio: StdioOptions = ["ignore", "pipe", asked.verbose ? "inherit" : "ignore"];
  const code = await ended(runner, [...options, "--", ...program], { stdio }, (text) => {
    said += text;
    if (asked.verbose) process.stdout.write(text);
  });
  if (!asked.verbose) console.log(withoutTotals(said));
  console.log(`took ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return countCases(said, code);
}

const totalsForm = /^Total cases: .*$|^\d+ passed, \d+ failed$/gm;
const withoutTotals = (text: string) => text.replace(totalsForm, "").trim();

/** A run that says nothing, or that ends badly though all passed, counts as one failure. */
function countCases(said: string, code: number): Totals {
  const [, passed = "0", failed = "0"] = /^(\d+) passed, (\d+) failed$/m.exec(said) ?? [];
  const [, unrun = "0"] = /^Another (\d+) could not be run/m.exec(said) ?? [];
  const failures = Number(failed) + Number(unrun);
  return { passed: Number(passed), failed: code === 0 ? failures : Math.max(1, failures) };
}

function ended(
  program: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; stdio?: StdioOptions },
  onText: (text: string) => void = () => {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], { stdio: "inherit", ...options, cwd: root });
    child.stdout?.setEncoding("utf8").on("data", onText);
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
}

process.exitCode = await main();
