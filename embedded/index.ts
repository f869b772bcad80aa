import type { EmbeddedEvent } from "./events.ts";
import { natsKind } from "./nats/nats.ts";
import { postgresKind } from "./postgres/postgres.ts";
import type { ServerOptions, ServerStatus, Supervised } from "./server.ts";
import { startServer } from "./server.ts";

export type { EmbeddedErrorCode } from "./errors.ts";
export { EmbeddedError } from "./errors.ts";
export type { EmbeddedEvent, ServerName } from "./events.ts";
export { describeEvent } from "./events.ts";
export { takeLock } from "./lock.ts";
export { keepLogSmall } from "./log-file.ts";
export type { ProcessMark } from "./process/identity.ts";
export { isAlive, markOf } from "./process/identity.ts";
export type { ServerOptions, ServerStatus, Supervised } from "./server.ts";
export type { State } from "./supervisor.ts";

export interface NatsOptions extends ServerOptions {
  /** Keeps a downloaded nats-server and what is known of binaries. Default: `cache` in the data folder. */
  cacheDir?: string | undefined;
}

export interface EmbeddedOptions {
  /** `.weft/data` of the checkout, or a temporary folder in tests. Made when missing. */
  dataDir: string;
  logDir: string;
  cacheDir?: string;
  /** Exactly this port, or an error. Default: that of the last start, else 15432, else a free one. */
  postgresPort?: number;
  /** As above; the usual one is 14222. */
  natsPort?: number;
  onEvent?: (event: EmbeddedEvent) => void;
  /** Default true: the kernel stops the servers when we die. For tests of systems where it cannot. */
  dieWithParent?: boolean;
  /** Default true: what is committed survives a power cut. Without it only crashes are survived, on however slow a disk. */
  fsync?: boolean;
}

/** PostgreSQL and NATS, running. */
export interface Embedded extends AsyncDisposable {
  /** With the password in it; the database is `postgres`, which is always there. */
  readonly postgresUrl: string;
  readonly natsUrl: string;
  status(): { postgres: ServerStatus; nats: ServerStatus };
  /** Resolves when both processes are gone. */
  stop(): Promise<void>;
}

/** Starts PostgreSQL alone; it is restarted when it crashes, until `stop`. */
export const startPostgres = (options: ServerOptions): Promise<Supervised> =>
  startServer(postgresKind, options);

/** Starts NATS alone; it is restarted when it crashes, until `stop`. */
export const startNats = (options: NatsOptions): Promise<Supervised> =>
  startServer(natsKind(options.cacheDir), options);

/** Starts both side by side. When one cannot start, the other is stopped again. */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { postgresPort, natsPort, ...shared } = options;
  const starts = [
    startPostgres({ ...shared, port: postgresPort }),
    startNats({ ...shared, port: natsPort }),
  ] as const;
  const [postgres, nats] = await Promise.all(starts).catch(async (error: unknown) => {
    const started = await Promise.allSettled(starts);
    await Promise.all(started.map((start) => start.status === "fulfilled" && start.value.stop()));
    throw error;
  });
  const stop = async () => {
    await Promise.all([postgres.stop(), nats.stop()]);
  };
  return {
    postgresUrl: postgres.url,
    natsUrl: nats.url,
    status: () => ({ postgres: postgres.status(), nats: nats.status() }),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
