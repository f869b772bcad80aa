import { resolve } from "node:path";
import { loadCatalog, scopesOf } from "../catalog.ts";
import type { Command } from "../command.ts";
import { ensureKeys, operator } from "../keys.ts";
import { print, printJson } from "../terminal.ts";

export const keys: Command = {
  name: "keys",
  summary: "Make the keys with which services prove who they are",
  usage: `[--dir <folder>] [--json]

  --dir   where to put them; default .weft/keys

Writes <service>/key.json for each service, and for security also trust.json with
the public keys and scopes of all (its SECURITY_TRUST_FILE) and master.key (its
SECURITY_MASTER_KEY_FILE). Give each service its own folder only. Keys that are
there stay.`,
  flags: { dir: { type: "string" } },
  run: async ({ flags, workspace }) => {
    const dir = typeof flags.dir === "string" ? resolve(flags.dir) : workspace.keys;
    const services = await loadCatalog(workspace);
    const principals = services.map((service) => ({ name: service.name, scopes: scopesOf(service) }));
    const made = await ensureKeys(dir, [...principals, operator]);
    if (flags.json) printJson({ dir, made });
    else print(made.length > 0 ? `Made in ${dir}: ${made.join(", ")}` : `All keys are in ${dir} already.`);
    return 0;
  },
};
