import type { Hosted } from "#mesh";
import { hostService } from "#mesh";
import { loadServices } from "../catalog.ts";
import type { Command } from "../command.ts";
import { usageError } from "../command.ts";
import { hostedMessage } from "../platform/hosted-message.ts";
import { untilSignal } from "../signals.ts";

export const serve: Command = {
  name: "serve",
  summary: "Run these services alone, configured by the environment (for containers)",
  usage: `<service…>

Logs go to standard output, a JSON object a line. SIGTERM: no new calls, those in
flight finish, exit code 0. Every variable is in .env.example.`,
  run: async ({ words, workspace }) => {
    if (words.length === 0) throw usageError("name at least one service", serve);
    const services = await loadServices(workspace, words);
    const hosted: Hosted[] = [];
    const start = async () => {
      for (const definition of services) hosted.push(await hostService(definition, { env: process.env }));
      // A supervisor that opened a channel must not take whoever else answers on our port for us.
      process.send?.(hostedMessage);
    };
    // Listening first: a service may be told to end in the moment it is ready, or while it waits for what it needs.
    const ending = untilSignal();
    try {
      await Promise.race([start(), ending]);
      await ending;
    } finally {
      await Promise.all(hosted.map((service) => service.stop()));
    }
    return 0;
  },
};
