import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadCatalog } from "../catalog.ts";
import type { Command } from "../command.ts";
import { renderEnvExample } from "../env-example.ts";
import { run } from "../run.ts";

export const generate: Command = {
  name: "generate",
  summary: "Generate gen/ from the contracts, and .env.example from what services read",
  usage: `

Works offline, with the tools and contracts that npm installed.`,
  run: async ({ workspace }) => {
    const { root } = workspace;
    const code = await run(process.execPath, [join(root, "tools", "generate.ts")], { cwd: root });
    if (code !== 0) return code;
    await writeFile(join(root, ".env.example"), renderEnvExample(await loadCatalog(workspace)));
    return 0;
  },
};
