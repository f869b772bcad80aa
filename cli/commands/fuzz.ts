import { join } from "node:path";
import type { Command } from "../command.ts";
import { run } from "../run.ts";

export const fuzz: Command = {
  name: "fuzz",
  summary: "Throw a million broken requests at the gateway, and see that it stands",
  usage: "[--inputs <count>] [--seconds <count>] [--seed <number>] [--kind <kind> --from <index>]",
  passesOn: true,
  run: ({ words, workspace: { root } }) =>
    run(process.execPath, [join(root, "tools", "fuzz.ts"), ...words], { cwd: root }),
};
