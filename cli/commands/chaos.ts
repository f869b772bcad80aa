import { join } from "node:path";
import type { Command } from "../command.ts";
import { run } from "../run.ts";

export const chaos: Command = {
  name: "chaos",
  summary: "Break the event bus, or a shop, in every way, and check that nothing is lost or done twice",
  usage: `[events] [--seed <number>] [--seconds <count>] [--rate <changes a second>]
              [--faults <kind,…>] [--outage <seconds>] [--json] [--keep]
       weft chaos orders [--seed <number>] [--seconds <count>] [--people <count>]
              [--faults <kind,…>] [--json] [--keep]

  events    each acknowledged change has its effect once, in order
  orders    each order ends paid or undone, and no money and no goods are anywhere else`,
  passesOn: true,
  run: ({ words, workspace: { root } }) =>
    run(process.execPath, [join(root, "tools", "chaos.ts"), ...words], { cwd: root }),
};
