import { join } from "node:path";
import type { Command } from "../command.ts";
import { run } from "../run.ts";

export const bench: Command = {
  name: "bench",
  summary: "Measure Weft beside other frameworks, in one run on this machine",
  usage: "<benchmark> [flags]",
  passesOn: true,
  run: ({ words, workspace: { root } }) =>
    run(process.execPath, [join(root, "bench", "main.ts"), ...words], { cwd: root }),
};
