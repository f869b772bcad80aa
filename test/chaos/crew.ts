import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { launchAs } from "../../embedded/process/run-as.ts";
import type { Member } from "./plan.ts";
import { crew } from "./plan.ts";
import type { Way } from "./proxy.ts";
import { openProxy } from "./proxy.ts";
import type { Counts, FromRole, RoleOptions, ToRole } from "./role-talk.ts";
import { ownPort, type StoreServer } from "./stores.ts";

export interface CrewOptions {
  readonly folder: string;
  readonly nats: StoreServer;
  readonly postgres: StoreServer;
  readonly aggregates: number;
  /** Of all publishers together. */
  readonly perSecond: number;
  readonly maxBytes: number;
}

/** A process of the run, which comes back when it dies. */
export interface Mate {
  readonly name: Member;
  readonly service: string;
  readonly ways: { readonly nats: Way; readonly postgres: Way };
  kill(restartMs: number): void;
  signal(name: "SIGSTOP" | "SIGCONT"): void;
}

export interface Crew {
  readonly mates: readonly Mate[];
  mate(name: Member): Mate;
  /** Tells all, and all that come, how many bytes the stream may have. */
  resize(maxBytes: number): void;
  /** Ends all writing; false when some of it does not end. */
  rest(): Promise<boolean>;
  /** Sum over all lives of all processes, but for the last moment of those that were killed. */
  counts(): Counts;
  /** How often a process was begun that had ended. */
  restarts(): number;
  stop(): Promise<void>;
}

export const serviceOf = (name: Member): string => name.replace(/-\d$/, "");
export const databaseOf = (service: string, url: string): string =>
  Object.assign(new URL(url), { pathname: `/chaos_${service}` }).href;

/** A process that dies by itself, such as because it cannot reach a store, is given time. */
const afterExitMs = 500;
const restMs = 30_000;

export async function startCrew(options: CrewOptions): Promise<Crew> {
  const { folder, nats, postgres, aggregates } = options;
  const publishers = crew.filter((name) => serviceOf(name) === "publisher").length;
  const running: Started[] = [];
  let { maxBytes } = options;
  let isWriting = true;

  for (const name of crew) {
    const [natsWay, postgresWay] = [await openWay(nats), await openWay(postgres)];
    running.push(
      keepAlive({
        name,
        folder,
        ways: { nats: natsWay, postgres: postgresWay },
        options: (life) => ({
          service: serviceOf(name),
          instanceId: `${name}.${life}`,
          natsUrl: through(nats.url, natsWay),
          databaseUrl: through(databaseOf(serviceOf(name), postgres.url), postgresWay),
          maxBytes,
          ...(serviceOf(name) === "publisher" &&
            isWriting && {
              writing: {
                file: join(folder, `${name}.history`),
                aggregates,
                perSecond: options.perSecond / publishers,
              },
            }),
        }),
      }),
    );
  }
  const tell = (message: ToRole) => {
    for (const it of running) it.send(message);
  };
  return {
    mates: running,
    mate: (name) => running.find((it) => it.name === name)!,
    resize(bytes) {
      maxBytes = bytes;
      tell({ maxBytes });
    },
    async rest() {
      isWriting = false;
      const untilMs = performance.now() + restMs;
      const waiting = running.filter((it) => it.service === "publisher");
      while (!waiting.every((it) => it.isIdle())) {
        if (performance.now() > untilMs) return false;
        tell({ writing: false });
        await sleep(100);
      }
      return true;
    },
    counts() {
      const sum: Record<string, number> = {};
      for (const counts of running.flatMap((it) => it.counts())) {
        for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
      }
      return sum;
    },
    restarts: () => running.reduce((sum, it) => sum + it.counts().length - 1, 0),
    async stop() {
      await Promise.all(running.map((it) => it.stop()));
      await Promise.all(running.flatMap(({ ways }) => [ways.nats.close(), ways.postgres.close()]));
    },
  };
}

const openWay = async ({ port }: StoreServer) => openProxy(await ownPort(), port);
const through = (url: string, { port }: Way) => Object.assign(new URL(url), { port: String(port) }).href;

interface Started extends Mate {
  send(message: ToRole): void;
  isIdle(): boolean;
  /** Of each of its lives. */
  counts(): Counts[];
  stop(): Promise<void>;
}

interface Life {
  readonly name: Member;
  readonly folder: string;
  readonly ways: Mate["ways"];
  readonly options: (life: number) => RoleOptions;
}

function keepAlive({ name, folder, ways, options }: Life): Started {
  const program = fileURLToPath(new URL(`./roles/${serviceOf(name)}.ts`, import.meta.url));
  const lives: Counts[] = [];
  let child: ChildProcess;
  let isIdle = false;
  let stopped = false;
  let restartMs: number | undefined;
  let timer: NodeJS.Timeout | undefined;

  const begin = () => {
    const life = lives.push({}) - 1;
    isIdle = false;
    const log = openSync(join(folder, `${name}.log`), "a");
    const args = [program, JSON.stringify(options(life))];
    // A process that was stopped would outlive us otherwise: it cannot see that we are gone.
    const { command, args: all } = launchAs(process.execPath, args, { needs: [], partingSignal: "SIGKILL" });
    child = spawn(command, all, { stdio: ["ignore", log, log, "ipc"] });
    closeSync(log);
    child.on("message", (message: FromRole) => {
      if ("counts" in message) lives[life] = message.counts;
      if ("idle" in message) isIdle = true;
    });
    child.once("exit", () => {
      if (stopped) return;
      timer = setTimeout(begin, restartMs ?? afterExitMs);
      restartMs = undefined;
    });
    // It was killed while we spoke to it.
    child.on("error", () => {});
  };
  begin();

  return {
    name,
    service: serviceOf(name),
    ways,
    kill(afterMs) {
      restartMs = afterMs;
      child.kill("SIGKILL");
    },
    signal: (signal) => void child.kill(signal),
    send(message) {
      if (child.connected) child.send(message, () => {});
    },
    isIdle: () => isIdle,
    counts: () => lives,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}
