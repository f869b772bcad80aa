import type { Command } from "../command.ts";
export const newService: Command = {
  name: "new",
  summary: "Write the start of a new service",
  usage: "service <name>",
  run: async () => 0,
};
