import { join } from "node:path";
import type { Command } from "../command.ts";
import { run } from "../run.ts";

/** A command that hands its words to one of the scripts in `tools/`. */
const script = (name: string, file: string, summary: string, usage: string): Command => ({
  name,
  summary,
  usage,
  run: ({ words, workspace: { root } }) =>
    run(process.execPath, [join(root, "tools", file), ...words], { cwd: root }),
});

export const generate = script(
  "generate",
  "generate.ts",
  "Generate gen/ from the contracts in proto/",
  "\n\nWorks offline, with the tools and contracts that npm installed.",
);

export const test = script(
  "test",
  "test.ts",
  "Check everything: types, style, boundaries, contracts, generated code, tests",
  "[test file…]\n\nWith file names, runs only those tests.",
);
