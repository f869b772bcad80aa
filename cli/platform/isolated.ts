import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { keepLogSmall } from "#embedded";
import type { ServiceDefinition } from "#mesh";
import { fail } from "#mesh";
import { hostedMessage } from "./hosted-message.ts";
import type { RunningServices } from "./running.ts";
import { stopInOrder } from "./stop-order.ts";
import { stopTimeMs } from "./stop-time.ts";

export interface IsolatedOptions {
  root: string;
  logDir: string;
  env: Record<string, string>;
  ports: ReadonlyMap<string, number>;
  onEvent: (text: string) => void;
  /** A service that crashed has a process again. */
  onRestart: () => void;
}

const readyWithinMs = 60_000;
const shortestPauseMs = 250;
const longestPauseMs = 10_000;
/** After this long in good health a crash is no sign of a second one. */
const forgivenAfterMs = 30_000;

/** Runs each service in a process of its own, as on many machines; a crashed one comes back. */
export async function startIsolated(
  services: readonly ServiceDefinition[],
  options: IsolatedOptions,
): Promise<RunningServices> {
  const running = services.map(({ name }) => superviseService(name, options));
  const stop = () =>
    stopInOrder(running.map((service, at) => ({ definition: services[at] ?? { contracts: [] }, service })));
  try {
    await Promise.all(running.map((service) => service.ready));
  } catch (error) {
    await stop();
    throw error;
  }
  return { services: running, stop };
}

function superviseService(name: string, { root, logDir, env, ports, onEvent, onRestart }: IsolatedOptions) {
  const port = ports.get(name) ?? 0;
  const logFile = join(logDir, `${name}.log`);
  mkdirSync(logDir, { recursive: true });
  const stopRotation = keepLogSmall(logFile);
  const stopping = new AbortController();
  let child: ChildProcess | undefined;
  let pauseMs = shortestPauseMs;

  const run = async () => {
    while (!stopping.signal.aborted) {
      const startedAt = Date.now();
      const again = child !== undefined;
      child = spawnService(name, root, env, logFile);
      if (again) onRestart();
      child.once("message", (message) => {
        if (message === hostedMessage) hosted.resolve();
      });
      const why = await exitOf(child);
      if (stopping.signal.aborted) return;
      firstExit.resolve(why);
      pauseMs =
        Date.now() - startedAt > forgivenAfterMs ? shortestPauseMs : Math.min(pauseMs * 2, longestPauseMs);
      onEvent(`${name} ${why}; restarting in ${pauseMs / 1000} s, its log is ${logFile}`);
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const firstExit = Promise.withResolvers<string>();
  const hosted = Promise.withResolvers<void>();
  const ended = run();

  return {
    name,
    port,
    get pid() {
      return child?.pid ?? 0;
    },
    ready: Promise.race([
      // Before that, it may be a service of another checkout that answers there.
      hosted.promise.then(() => untilReady(name, port, logFile)),
      firstExit.promise.then((why) => {
        const said = lastLine(logFile);
        // Its one line is all that a process of its own leaves us.
        const reason = said.includes("is taken by another process") ? "port_taken" : "not_ready";
        throw fail.unavailable(reason, `${name} ${why}: ${said}`);
      }),
    ]),
    async stop() {
      stopping.abort();
      child?.kill("SIGTERM");
      const kill = setTimeout(() => child?.kill("SIGKILL"), stopTimeMs(env));
      await ended;
      clearTimeout(kill);
      stopRotation();
    },
  };
}

function spawnService(
  name: string,
  root: string,
  env: Record<string, string>,
  logFile: string,
): ChildProcess {
  const log = openSync(logFile, "a", 0o600);
  try {
    return spawn(process.execPath, [join(root, "cli", "main.ts"), "serve", name], {
      cwd: root,
      env,
      // The channel tells the child when we are gone, however we went.
      stdio: ["ignore", log, log, "ipc"],
      // A Ctrl-C in the terminal is ours to handle; we pass it on as SIGTERM.
      detached: true,
    });
  } finally {
    closeSync(log);
  }
}

/** Why a service did not start is the last thing it said. */
function lastLine(file: string): string {
  return (
    readFileSync(file, "utf8")
      .trimEnd()
      .split("\n")
      .at(-1)
      ?.replace(/^weft: /, "") ?? ""
  );
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) =>
      resolve(signal ? `was ended by ${signal}` : `exited with code ${code}`),
    );
    child.once("error", (error) => resolve(`could not be started: ${error.message}`));
  });
}

async function untilReady(name: string, port: number, logFile: string): Promise<void> {
  const end = Date.now() + readyWithinMs;
  while (Date.now() < end) {
    const answer = await fetch(`http://127.0.0.1:${port}/health/ready`, {
      signal: AbortSignal.timeout(2000),
    }).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(50);
  }
  throw fail.unavailable("not_ready", `${name} was not ready within ${readyWithinMs / 1000} s`, {
    remedy: `its log is ${logFile}`,
  });
}
