import type { Command } from "../command.ts";
import { startPlatform } from "../platform/platform.ts";
import { welcome } from "../platform/welcome.ts";
import { untilSignal } from "../signals.ts";
import { createProgress, note, paint } from "../terminal.ts";

export const up: Command = {
  name: "up",
  summary: "Start PostgreSQL, NATS and the services, until Ctrl-C",
  usage: `[service…] [--isolate]

With names, only those services and what they need: whom they call, security and the
gateway.

  --isolate   one process for each service, as on many machines; by default all
              share one, which starts faster and needs less memory

DATABASE_URL and NATS_URL name servers of yours; without them Weft runs its own
and keeps their data in .weft/data. Logs go to .weft/logs, see \`weft logs\`. A sandbox
plays the outside world (card processor, mobile money) for all providers that the
environment says nothing of; WEFT_SANDBOX=false leaves it out. WEFT_FSYNC=false spares
slow disks, for tests: a power cut may then lose the data.`,
  flags: { isolate: { type: "boolean" } },
  run: async ({ words, flags, workspace }) => {
    const startedAt = performance.now();
    const progress = createProgress();
    // While it starts, steps; once it runs, only what a person should know.
    let tell = progress.step;
    // Asked to end while it starts, it ends when it has: a start cut in two would leave its servers running.
    const ending = untilSignal();
    try {
      await using platform = await startPlatform({
        workspace,
        env: process.env,
        names: words,
        isolate: flags.isolate === true,
        tell: (text) => tell(text),
      });
      progress.done();
      tell = (text) => note(`${paint("yellow", "!")} ${text}`);
      await welcome({ ...platform, tookMs: performance.now() - startedAt });
      await ending;
      tell = progress.step;
      tell("Stopping: finishing what is in flight");
    } finally {
      progress.done();
    }
    return 0;
  },
};
