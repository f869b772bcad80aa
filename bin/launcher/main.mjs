import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { areInstalled, installDependencies } from "./dependencies.mjs";
import { Fault } from "./fault.mjs";
import { handOver } from "./hand-over.mjs";
import { isSuitable } from "./pinned.mjs";
import { findNode, obtainNode } from "./pinned-node.mjs";
import { withLock } from "./setup-lock.mjs";

/** Sees to a fitting Node and to the dependencies, then becomes or starts the command itself. */
export async function main() {
  const root = dirname(dirname(dirname(realpathSync(fileURLToPath(import.meta.url)))));
  try {
    const command = join(root, "cli", "main.ts");
    if (!existsSync(command)) throw new Fault(`${command} is missing`, "clone the repository again");
    const node = await prepare(root);
    await handOver({ root, node, command });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    console.error(`weft: ${error.message}`);
    process.exitCode = 1;
  }
}

/** The Node to use. On a warm start nothing is printed, locked or started. */
async function prepare(root) {
  const node = isSuitable(process.versions.node) ? process.execPath : findNode(root);
  if (node && areInstalled(root)) return node;
  return withLock(root, async (lock) => {
    // Whoever held the lock before may have done it all.
    const ready = node ?? findNode(root) ?? (await obtainNode(root, lock));
    if (!areInstalled(root)) await installDependencies(root, ready, lock);
    return ready;
  });
}
