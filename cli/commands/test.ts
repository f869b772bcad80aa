import { join } from "node:path";
import type { Command } from "../command.ts";
import { run } from "../run.ts";

export const test: Command = {
  name: "test",
  summary: "Check everything: types, style, boundaries, contracts, generated code, tests",
  usage: `[test file…]

With file names, runs only those tests.`,
  run: ({ words, workspace: { root } }) =>
    run(process.execPath, [join(root, "tools", "test.ts"), ...words], { cwd: root }),
};
