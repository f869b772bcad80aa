import { cpSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../embedded/clock.ts";
import { natsKind } from "../../embedded/nats/nats.ts";
import { isFree } from "../../embedded/ports.ts";
import { postgresKind } from "../../embedded/postgres/postgres.ts";
import { commandLine } from "../../embedded/process/identity.ts";
import type { ServerKind } from "../../embedded/server.ts";
import { Supervisor } from "../../embedded/supervisor.ts";

/** A server of the run alone, which comes back when it is killed. */
export interface StoreServer {
  readonly url: string;
  readonly port: number;
  /** It and the processes that it has begun; none while it is away. */
  pids(): number[];
  /** Ends it at once, if it is there; it comes back when this is done. */
  kill(meanwhile?: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/** A free port where the kernel puts no connection of its own: it must still be free after a restart. */
export async function ownPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    if (await isFree(port)) return port;
  }
}

const backoff = { firstMs: 50, maxMs: 1000, forgivenAfterMs: 3000 };

export const startPostgresServer = (folder: string) => startStore(postgresKind, folder);
export const startNatsServer = (folder: string) =>
  startStore(natsKind(join(import.meta.dirname, "../../.weft/cache")), folder);

async function startStore(kind: ServerKind, folder: string): Promise<StoreServer> {
  const port = await ownPort();
  const logFile = join(folder, `${kind.name}.log`);
  const fsync = process.env.WEFT_FSYNC !== "false";
  const prepared = await kind.prepare({ dataDir: folder, logFile, fsync, report: () => {} });
  const { program, url } = await prepared.listenOn(port);
  let before: Promise<unknown> = Promise.resolve();
  const launch = async () => {
    await before;
    return program.launch();
  };
  const supervisor = new Supervisor(
    { ...program, launch },
    { name: kind.name, clock: systemClock, backoff, readyWithinMs: 60_000 },
  );
  await supervisor.start();
  const pids = () => (supervisor.pid === undefined ? [] : [supervisor.pid, ...childrenOf(supervisor.pid)]);
  return {
    url,
    port,
    pids,
    async kill(meanwhile = async () => {}) {
      const { pid } = supervisor;
      if (pid === undefined) return;
      before = left(pid).then(meanwhile);
      signal(pid, "SIGKILL");
      await before;
    },
    async stop() {
      for (const pid of pids()) signal(pid, "SIGCONT");
      await supervisor.stop();
    },
  };
}

/** False when it is gone already. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

async function left(pid: number): Promise<void> {
  while (signal(pid, 0)) await sleep(5);
}

/** Where there is no /proc, only the first process of a store is stopped, and no backend crashed. */
function childrenOf(pid: number): number[] {
  if (process.platform !== "linux") return [];
  const parent = String(pid);
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && parentOf(entry) === parent)
    .map(Number);
}

function parentOf(pid: string): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1];
  } catch {
    return undefined;
  }
}

/** Those of PostgreSQL that serve a connection. */
export const backendsOf = (server: StoreServer): number[] =>
  server.pids().filter((pid) => /127\.0\.0\.1\(\d+\)/.test(commandLine(pid)));

/** What NATS has stored, as of a moment in which it does nothing. */
export function keepCopy(nats: StoreServer, folder: string): boolean {
  const [pid] = nats.pids();
  if (pid === undefined) return false;
  signal(pid, "SIGSTOP");
  try {
    rmSync(join(folder, "nats.copy"), { recursive: true, force: true });
    cpSync(join(folder, "nats"), join(folder, "nats.copy"), { recursive: true });
    return true;
  } finally {
    signal(pid, "SIGCONT");
  }
}

/** All of the copy, or a part of it. */
export function bringBack(folder: string, part = ""): void {
  const [lost, kept] = [join(folder, "nats", part), join(folder, "nats.copy", part)];
  rmSync(lost, { recursive: true, force: true });
  cpSync(kept, lost, { recursive: true });
}

/** Where NATS keeps what is in a stream, without what it knows of its consumers. */
export const messagesOf = (stream: string): string => join("jetstream", "$G", "streams", stream, "msgs");
