import { join } from "node:path";
import type { Command } from "../command.ts";
import { run } from "../run.ts";

export const bench: Command = {
  name: "bench",
  summary: "Measure Weft beside other frameworks, in one run on this machine",
  usage: `<benchmark> [flags]

  rpc           calls between two processes, next to other frameworks
  streams       messages over streams in each direction, next to other frameworks
  discovery     1,000 services × 10 instances in one process: choosing, keeping up
  gateway       REST through the gateway, next to other gateways

  --quick       less than a minute: an impression, not a result
  --seconds N   length of one measurement
  --peer a,b    compare with these only
  --features    what each of Weft's own features costs (rpc, gateway)
  --json        one JSON object on standard output`,
  passesOn: true,
  run: ({ words, workspace: { root } }) =>
    run(process.execPath, [join(root, "bench", "main.ts"), ...words], { cwd: root }),
};
