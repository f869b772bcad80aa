import { join } from "node:path";
import { areInstalled, installDependencies } from "../../bin/launcher/dependencies.mjs";
import { withLock } from "../../bin/launcher/setup-lock.mjs";

const root = join(import.meta.dirname, "..");

/** Installs what Weft is compared with, on first use and nowhere but here; nobody's install scripts run. */
export async function installPeers(): Promise<void> {
  if (areInstalled(root)) return;
  await withLock(root, async (lock: Parameters<typeof installDependencies>[2]) => {
    // Another start may have done it while this one waited.
    if (!areInstalled(root)) await installDependencies(root, process.execPath, lock);
  });
}
