import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Fault, fileFault } from "./fault.mjs";
import { runNpm } from "./npm.mjs";
import { pinned } from "./pinned.mjs";
import { step } from "./progress.mjs";

const run = promisify(execFile);
const system = `${process.platform}-${process.arch}`;

/** The pinned Node under `.weft/node`, if it is there in the version we want. */
export function findNode(root) {
  const build = pinned[system];
  if (!build) return undefined;
  const home = join(root, ".weft", "node");
  return markedVersion(home) === build.version ? binaryIn(home, build) : undefined;
}

/** Fetches it into a draft folder that is renamed when whole: a start cut short leaves nothing half-made. */
export async function obtainNode(root, lock) {
  const build = pinned[system];
  if (!build) throw noBuild("there is none to fetch for this system");
  const home = join(root, ".weft", "node");
  const draft = `${home}.new-${process.pid}`;
  try {
    clearDrafts(join(root, ".weft"));
    mkdirSync(draft, { recursive: true });
    await step(`getting Node ${build.version}`, () =>
      build.npm ? fromNpm(root, draft, build, lock) : fromArchive(draft, build, lock),
    );
    await mustRun(binaryIn(draft, build), build);
    writeFileSync(join(draft, marker), build.version);
    rmSync(home, { recursive: true, force: true });
    renameSync(draft, home);
  } catch (error) {
    throw fileFault(error, home);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return binaryIn(home, build);
}

const marker = "version";

function markedVersion(home) {
  try {
    return readFileSync(join(home, marker), "utf8");
  } catch {
    return undefined;
  }
}

function binaryIn(home, { npm }) {
  const name = process.platform === "win32" ? "node.exe" : "node";
  return npm ? join(home, "node_modules", npm, "bin", name) : join(home, "bin", name);
}

/** `npm ci` checks the tarball against the integrity in the lock file we write. */
async function fromNpm(root, draft, { npm, version, integrity }, lock) {
  const dependencies = { [npm]: version };
  const packages = { "": { dependencies }, [`node_modules/${npm}`]: { version, integrity } };
  writeFileSync(join(draft, "package.json"), JSON.stringify({ private: true, dependencies }));
  writeFileSync(
    join(draft, "package-lock.json"),
    JSON.stringify({ lockfileVersion: 3, requires: true, packages }),
  );
  // The checkout may name a mirror of the registry.
  if (existsSync(join(root, ".npmrc"))) copyFileSync(join(root, ".npmrc"), join(draft, ".npmrc"));
  await runNpm({ node: process.execPath, cwd: draft, lock });
}

/** With curl, which every Mac has and which knows about proxies. */
async function fromArchive(draft, { archive, sha256 }, lock) {
  const file = join(draft, "node.tar.gz");
  const fetching = run("curl", [
    "--fail",
    "--silent",
    "--show-error",
    "--location",
    "--output",
    file,
    archive,
  ]);
  lock.alsoHeldBy(fetching.child.pid);
  await fetching.catch((error) => {
    throw noBuild(`it cannot be fetched (${String(error.stderr || error.message).trim()})`);
  });
  const actual = createHash("sha256").update(readFileSync(file)).digest("hex");
  if (actual !== sha256) throw noBuild(`${archive} has SHA-256 ${actual} where ${sha256} was expected`);
  await run("tar", ["-xzf", file, "-C", draft, "--strip-components=1"]);
  rmSync(file);
}

async function mustRun(binary, { version }) {
  const answer = await run(binary, ["--version"]).catch((error) => ({ stdout: error.message }));
  if (answer.stdout.trim() !== `v${version}`) {
    throw noBuild(`the one fetched does not run on this system (${answer.stdout.trim().split("\n")[0]})`);
  }
}

function clearDrafts(folder) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder)) {
    if (entry.startsWith("node.new-")) rmSync(join(folder, entry), { recursive: true, force: true });
  }
}

function noBuild(why) {
  return new Fault(
    `Weft runs on Node 24 (24.15 or newer), this is ${process.version} on ${system}, and ${why}`,
    "install Node 24 yourself and start again",
  );
}
