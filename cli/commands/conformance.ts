import { join } from "node:path";
import type { Command } from "../command.ts";
import { run } from "../run.ts";

export const conformance: Command = {
  name: "conformance",
  summary: "Run the official Connect conformance suite against our server and client (needs Go)",
  usage: "[--server] [--client] [--express] [--verbose] [--run <pattern>]",
  passesOn: true,
  run: ({ words, workspace: { root } }) =>
    run(process.execPath, [join(root, "tools", "conformance.ts"), ...words], { cwd: root }),
};
