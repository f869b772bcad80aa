import { rm, stat } from "node:fs/promises";
import { fail } from "#mesh/errors.ts";
import type { Command } from "../command.ts";
import { confirmed } from "../confirm.ts";
import { readState } from "../state.ts";
import { print } from "../terminal.ts";

export const reset: Command = {
  name: "reset",
  summary: "Delete all data of the embedded PostgreSQL and NATS",
  usage: `[--yes] [--keys]

  --yes    do not ask
  --keys   delete the keys of services and of the issuer, too`,
  flags: { yes: { type: "boolean" }, keys: { type: "boolean" } },
  run: async ({ flags, workspace }) => {
    const running = await readState(workspace);
    if (running) {
      throw fail.precondition("running", `the platform runs on this data (pid ${running.process.pid})`, {
        remedy: "stop it with `weft down` first",
      });
    }
    // Signing keys in the database are sealed with the issuer's key: one without the other is of no use.
    const folders = [workspace.data, ...(flags.keys ? [workspace.keys] : [])];
    if (!flags.yes && !(await mayDelete(folders))) {
      print("Nothing was deleted.");
      return 1;
    }
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
    print("Deleted. The next `weft up` starts empty.");
    return 0;
  },
};

async function mayDelete(folders: readonly string[]): Promise<boolean> {
  const there = await Promise.all(
    folders.map((folder) =>
      stat(folder).then(
        () => true,
        () => false,
      ),
    ),
  );
  return !there.some(Boolean) || confirmed(`Delete ${folders.join(" and ")} for good?`);
}
