import { fail } from "#mesh";
import { loadCatalog, scopesOf } from "../catalog.ts";
import type { Command } from "../command.ts";
import { ensureKeys, operator } from "../keys.ts";
import { platformEnvironment } from "../platform/environment.ts";
import { startInfrastructure } from "../platform/infrastructure.ts";
import { startIsolated } from "../platform/isolated.ts";
import { choosePorts } from "../platform/ports.ts";
import { startTogether } from "../platform/together.ts";
import { welcome } from "../platform/welcome.ts";
import { untilSignal } from "../signals.ts";
import { clearState, readState, writeState } from "../state.ts";
import { createProgress, note, paint } from "../terminal.ts";

export const up: Command = {
  name: "up",
  summary: "Start PostgreSQL, NATS and every service, until Ctrl-C",
  usage: `[--isolate]

  --isolate   one process for each service, as on many machines; by default all
              share one, which starts faster and needs less memory

DATABASE_URL and NATS_URL name servers of yours; without them Weft runs its own
and keeps their data in .weft/data. Logs go to .weft/logs, see \`weft logs\`.`,
  flags: { isolate: { type: "boolean" } },
  run: async ({ flags, workspace }) => {
    const startedAt = performance.now();
    const other = await readState(workspace);
    if (other) {
      throw fail.precondition("already_running", `this checkout runs already (pid ${other.pid})`, {
        remedy: "see `weft status`; stop it with Ctrl-C there or `weft down`",
      });
    }
    const progress = createProgress();
    let settled = false;
    const tell = (text: string) => (settled ? note(`${paint("yellow", "!")} ${text}`) : progress.step(text));

    progress.step("Reading the services");
    const services = await loadCatalog(workspace);
    await ensureKeys(workspace.keys, [
      ...services.map((service) => ({ name: service.name, scopes: scopesOf(service) })),
      operator,
    ]);
    const infrastructure = await startInfrastructure({
      workspace,
      env: process.env,
      onEvent: (text, { type }) => {
        if (!settled || type === "exited" || type === "ready") tell(text);
      },
    });
    try {
      const ports = await choosePorts(services, process.env);
      const env = await platformEnvironment(workspace, infrastructure, services, ports, process.env);
      progress.step(`Starting ${services.length} services`);
      const running = flags.isolate
        ? await startIsolated(services, {
            root: workspace.root,
            logDir: workspace.logs,
            env,
            ports,
            onEvent: tell,
          })
        : await startTogether(services, env, workspace.logs);
      try {
        await writeState(workspace, {
          pid: process.pid,
          startedAt: new Date().toISOString(),
          postgresUrl: infrastructure.postgresUrl,
          natsUrl: infrastructure.natsUrl,
          own: Object.fromEntries(infrastructure.own.map((server) => [server.name, server.status().port])),
          services: Object.fromEntries(
            running.services.map(({ name, port, pid }) => [name, { url: `http://localhost:${port}`, pid }]),
          ),
        });
        progress.done();
        settled = true;
        await welcome({ services: running.services, infrastructure, tookMs: performance.now() - startedAt });
        await untilSignal();
        note("Stopping: finishing what is in flight");
      } finally {
        await clearState(workspace);
        await running.stop();
      }
    } finally {
      settled = false;
      progress.done();
      await infrastructure.stop();
    }
    return 0;
  },
};
