import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { markOf, takeLock } from "#embedded";
import type { Environment } from "#mesh";
import { fail, reasonOf } from "#mesh";
import { loadCatalog, requireServices, scopesOf } from "../catalog.ts";
import { ensureKeys, operator } from "../keys.ts";
import { messageOf } from "../message.ts";
import { readState } from "../state.ts";
import type { Workspace } from "../workspace.ts";
import { chosen } from "./chosen.ts";
import { checkConfiguration } from "./configuration.ts";
import { platformEnvironment } from "./environment.ts";
import { forgetKilled } from "./forget-killed.ts";
import type { Infrastructure } from "./infrastructure.ts";
import { startInfrastructure } from "./infrastructure.ts";
import { startIsolated } from "./isolated.ts";
import type { Outside } from "./outside.ts";
import { startOutside } from "./outside.ts";
import { choosePorts } from "./ports.ts";
import type { RunningServices } from "./running.ts";
import type { StateKeeper } from "./state-keeper.ts";
import { createStateKeeper } from "./state-keeper.ts";
import { stopTimeMs } from "./stop-time.ts";
import { startTogether } from "./together.ts";

export interface PlatformOptions {
  workspace: Workspace;
  env: Environment;
  /** The services to start, with whom they need; none means all. */
  names: readonly string[];
  /** A process for each service, instead of one for all. */
  isolate: boolean;
  /** What happens, for a person: steps of the start, then crashes and restarts. */
  tell: (text: string) => void;
}

export interface Platform extends AsyncDisposable {
  readonly infrastructure: Infrastructure;
  /** The sandbox, if there is one. */
  readonly outside: Outside | undefined;
  readonly services: RunningServices["services"];
}

/** Starts all that a checkout has. When a part cannot start, those before it are stopped again. */
export async function startPlatform({
  workspace,
  env,
  names,
  isolate,
  tell,
}: PlatformOptions): Promise<Platform> {
  // Said also where a platform runs already.
  await requireServices(workspace, names);
  await using started = new AsyncDisposableStack();
  const self = await claim(workspace, started);

  tell("Reading the services");
  const services = chosen(await loadCatalog(workspace), names);
  const principals = services.map((service) => ({ name: service.name, scopes: scopesOf(service) }));
  await ensureKeys(workspace.keys, [...principals, operator]);
  await checkConfiguration(workspace, services, env);
  const infrastructure = started.adopt(await startInfrastructure({ workspace, env, tell }), (it) =>
    it.stop(),
  );
  if (infrastructure.own.some((server) => server.name === "nats")) {
    await forgetKilled({ url: infrastructure.natsUrl, namespace: env.WEFT_NAMESPACE ?? "" });
  }

  let keeper: StateKeeper | undefined;
  const onRestart = () => {
    keeper?.refresh().catch((error: unknown) => tell(`up.json is out of date: ${messageOf(error)}`));
  };
  let outside: Outside | undefined;
  started.defer(() => outside?.[Symbol.asyncDispose]());
  tell(`Starting ${services.length} services`);
  const running = started.adopt(
    await onFreePorts(
      () => choosePorts(services, env),
      async (ports) => {
        await outside?.[Symbol.asyncDispose]();
        outside = await startOutside(env, ports);
        const known = { ...env, ...outside?.env };
        const everyones = await platformEnvironment(workspace, infrastructure, services, ports, known);
        const { root, logs: logDir } = workspace;
        return isolate
          ? startIsolated(services, { root, logDir, env: everyones, ports, onEvent: tell, onRestart })
          : startTogether(services, everyones, logDir);
      },
    ),
    (it) => it.stop(),
  );
  const startedAt = new Date().toISOString();
  keeper = started.adopt(
    createStateKeeper(workspace, () => ({
      process: self,
      startedAt,
      stopWithinMs: stopTimeMs(env),
      own: Object.fromEntries(infrastructure.own.map((server) => [server.name, server.status().port])),
      services: Object.fromEntries(
        running.services.map(({ name, port, pid }) => [name, { url: `http://localhost:${port}`, pid }]),
      ),
      broker: { url: infrastructure.natsUrl, namespace: env.WEFT_NAMESPACE ?? "" },
    })),
    (it) => it.close(),
  );
  await keeper.refresh();

  const all = started.move();
  return {
    infrastructure,
    outside,
    services: running.services,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** How often all ports are chosen; more are not taken from us by chance. */
const mostTries = 8;

/** A port that was free may be taken when a service wants it: another checkout starts, too. Then choose again. */
async function onFreePorts<T>(
  choose: () => Promise<Map<string, number>>,
  start: (ports: Map<string, number>) => Promise<T>,
): Promise<T> {
  let ports = await choose();
  let triesLeft = mostTries;
  for (;;) {
    try {
      return await start(ports);
    } catch (error) {
      if (reasonOf(error) !== "port_taken" || --triesLeft === 0) throw error;
      const others = await choose();
      const same = [...others.values()].join() === [...ports.values()].join();
      // The same again: given up by another start that failed as we did. Chance lets one go first.
      if (same) await sleep(Math.random() * 200);
      ports = others;
    }
  }
}

/** Makes sure that this checkout runs once, also when two start at the same moment. */
async function claim(workspace: Workspace, started: AsyncDisposableStack) {
  const other = await readState(workspace);
  if (other) {
    throw fail.precondition("already_running", `this checkout runs already (pid ${other.process.pid})`, {
      remedy: "see `weft status`; stop it with Ctrl-C there or `weft down`",
    });
  }
  await mkdir(workspace.weft, { recursive: true });
  const lock = takeLock(join(workspace.weft, "up.lock"), workspace.weft);
  started.defer(() => lock.release());
  const self = markOf(process.pid);
  if (!self) throw fail.internal("no_process", "this process cannot see itself in the process table");
  return self;
}
