import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "./fault.mjs";
import { runNpm } from "./npm.mjs";
import { nodeMajor } from "./pinned.mjs";
import { step } from "./progress.mjs";
import { treeMatches } from "./tree-matches.mjs";

/**
 * Is node_modules what package-lock.json says? The stamp of an earlier yes is
 * believed as long as neither file has changed; else what npm itself noted as
 * installed is compared, so that a tree made by `npm ci` or `npm install` is
 * taken over, and one made by `npm ci --omit=dev` is not.
 */
export function areInstalled(root) {
  const state = stateOf(root);
  if (!state) return false;
  if (read(stampFile(root)) === state.stamp) return true;
  if (!treeMatches(root, state.lock, state.installed)) return false;
  writeStamp(root, state.stamp);
  return true;
}

export async function installDependencies(root, node, lock) {
  if (!existsSync(join(root, "package-lock.json"))) {
    throw new Fault(`${join(root, "package-lock.json")} is missing`, "clone the repository again");
  }
  await step("installing the dependencies", () => runNpm({ node, cwd: root, lock }));
  const state = stateOf(root);
  if (state) writeStamp(root, state.stamp);
}

const stampFile = (root) => join(root, ".weft", "installed.json");

function stateOf(root) {
  const lock = read(join(root, "package-lock.json"));
  if (lock === undefined) return undefined;
  // npm writes this file last: a tree without it is not whole.
  const hidden = join(root, "node_modules", ".package-lock.json");
  const stat = statSync(hidden, { throwIfNoEntry: false });
  if (!stat) return undefined;
  const stamp = {
    lock: createHash("sha256").update(lock).digest("hex"),
    tree: `${stat.mtimeMs} ${stat.size}`,
    node: nodeMajor,
    system: `${process.platform}-${process.arch}`,
  };
  return { lock, installed: read(hidden), stamp: JSON.stringify(stamp) };
}

/** A checkout that cannot be written goes without, and compares at each start. */
function writeStamp(root, stamp) {
  try {
    writeFileSync(stampFile(root), stamp);
  } catch {}
}

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
