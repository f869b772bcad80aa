import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadCatalog } from "../catalog.ts";
import type { Command } from "../command.ts";
import { renderEnvExample } from "../env-example.ts";
import { changedFiles, describeGenerated, hashFiles } from "../generated-files.ts";
import { run } from "../run.ts";
import { paint, print, printJson } from "../terminal.ts";

export const generate: Command = {
  name: "generate",
  summary: "Generate gen/ from the contracts, and .env.example from what services read",
  usage: `[--json]

Works offline, with the tools and contracts that npm installed.`,
  run: async ({ flags, workspace }) => {
    const { root } = workspace;
    const before = await hashFiles(root, written);
    const code = await run(process.execPath, [join(root, "tools", "generate.ts")], { cwd: root });
    if (code !== 0) return code;
    await writeFile(join(root, ".env.example"), renderEnvExample(await loadCatalog(workspace)));
    const after = await hashFiles(root, written);
    const contracts = [...after.keys()].filter((file) => file.endsWith(".proto")).length;
    const changed = changedFiles(before, after);
    if (flags.json) printJson({ contracts, changed });
    else print(`${paint("green", "✔")} ${describeGenerated(contracts, changed)}`);
    return 0;
  },
};

/** Contracts as well: they are formatted. */
const written = ["proto", "gen", ".env.example"];
