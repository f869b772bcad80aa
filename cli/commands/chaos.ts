import { join } from "node:path";
import type { Command } from "../command.ts";
import { run } from "../run.ts";

export const chaos: Command = {
  name: "chaos",
  summary: "Break the event bus in every way, and check that nothing is lost or done twice",
  usage:
    "[--seed <number>] [--seconds <count>] [--rate <changes a second>] [--faults <kind,…>] [--outage <seconds>] [--json]",
  passesOn: true,
  run: ({ words, workspace: { root } }) =>
    run(process.execPath, [join(root, "tools", "chaos.ts"), ...words], { cwd: root }),
};
