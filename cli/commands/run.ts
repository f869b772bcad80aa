import { resolve } from "node:path";
import type { Command } from "../command.ts";
import { usageError } from "../command.ts";
import { run } from "../run.ts";

export const runFile: Command = {
  name: "run",
  summary: "Run a TypeScript file of this checkout with the Node that Weft uses",
  usage: "<file.ts> [argument…]",
  run: async ({ words }) => {
    const [file, ...rest] = words;
    if (!file) throw usageError("name a file", runFile);
    return run(process.execPath, [resolve(file), ...rest], { cwd: process.cwd() });
  },
};
