import type { ChildProcess, SpawnOptions } from "node:child_process";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, onTestFinished } from "vitest";
// @ts-expect-error The launcher is plain JavaScript, so that any Node can read it.
import { pinned } from "../../bin/launcher/pinned.mjs";

const bin = fileURLToPath(new URL("../../bin", import.meta.url));

/** What the command of a small checkout does when it is run: tell how. */
const tellHow = `
import { word } from "dependency";
const args: string[] = process.argv.slice(2);
console.log(JSON.stringify({ args, word, version: process.version, root: process.env.WEFT_ROOT, cwd: process.cwd() }));
process.exitCode = Number(args[0] ?? 0);
`;

export interface Checkout {
  root: string;
  launcher: string;
  environment: NodeJS.ProcessEnv;
}

/** A checkout in a folder with spaces: our launcher, a small command, one dependency that needs no network. */
export function smallCheckout(command = tellHow): Checkout {
  template ??= makeTemplate();
  const folder = mkdtempSync(join(tmpdir(), "weft launcher "));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const root = join(folder, "a checkout");
  cpSync(join(template, "a checkout"), root, { recursive: true });
  writeFileSync(join(root, "cli", "main.ts"), command);
  const environment = { ...process.env, npm_config_cache: join(folder, "npm cache") };
  return { root, launcher: join(root, "bin", "weft.mjs"), environment };
}

/** What all of them are copied from: npm takes its time to write a lock file. */
let template: string | undefined;
afterAll(() => {
  if (template !== undefined) rmSync(template, { recursive: true, force: true });
});

function makeTemplate(): string {
  const folder = mkdtempSync(join(tmpdir(), "weft launcher "));
  const root = join(folder, "a checkout");
  mkdirSync(join(root, "cli"), { recursive: true });
  cpSync(bin, join(root, "bin"), { recursive: true });
  packDependency(folder, root);
  const dependencies = { dependency: "file:dependency.tgz" };
  writeFileSync(join(root, "package.json"), JSON.stringify({ name: "small", type: "module", dependencies }));
  const environment = { ...process.env, npm_config_cache: join(folder, "npm cache") };
  npm(root, environment, "install", "--package-lock-only");
  return folder;
}

function packDependency(folder: string, root: string): void {
  mkdirSync(join(folder, "package"));
  const manifest = { name: "dependency", version: "1.0.0", type: "module", main: "index.js" };
  writeFileSync(join(folder, "package", "package.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, "package", "index.js"), 'export const word = "woven";\n');
  execFileSync("tar", ["-czf", join(root, "dependency.tgz"), "-C", folder, "package"]);
}

export function npm(cwd: string, env: NodeJS.ProcessEnv, ...args: string[]): void {
  execFileSync("npm", [...args, "--offline", "--no-audit", "--no-fund"], { cwd, env, stdio: "ignore" });
}

/** Puts this Node where the launcher keeps the one it fetches. */
export function providePinnedNode({ root }: Checkout): void {
  const build = pinned[`${process.platform}-${process.arch}`];
  const home = join(root, ".weft", "node");
  const folder = build.npm ? join(home, "node_modules", build.npm, "bin") : join(home, "bin");
  mkdirSync(folder, { recursive: true });
  symlinkSync(process.execPath, join(folder, "node"));
  writeFileSync(join(home, "version"), build.version);
}

export interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

export function launch({ launcher, environment }: Checkout, node: string, ...args: string[]): Outcome {
  return spawnSync(node, [launcher, ...args], { env: environment, encoding: "utf8" });
}

/** Collects as it goes; resolves once the process has ended. */
export function launchInBackground(checkout: Checkout, node: string, options: SpawnOptions = {}) {
  const child: ChildProcess = spawn(node, [checkout.launcher], { env: checkout.environment, ...options });
  const outcome: Outcome & { signal: NodeJS.Signals | null } = {
    status: null,
    signal: null,
    stdout: "",
    stderr: "",
  };
  child.stdout?.on("data", (text) => (outcome.stdout += text));
  child.stderr?.on("data", (text) => (outcome.stderr += text));
  const ended = new Promise<typeof outcome>((resolve) =>
    child.on("close", (status, signal) => resolve(Object.assign(outcome, { status, signal }))),
  );
  return { child, outcome, ended };
}

/** A Node on PATH that is too old for the sources but not for the launcher. */
export const olderNode = (process.env.PATH ?? "")
  .split(delimiter)
  .filter((folder) => folder !== dirname(process.execPath))
  .map((folder) => join(folder, "node"))
  .find((node) => /^v2[0-3]\./.test(spawnSync(node, ["--version"], { encoding: "utf8" }).stdout ?? ""));
