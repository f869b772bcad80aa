import { resolve } from "node:path";
import { readCredentials } from "./credentials.ts";
import { holderOf } from "./lock.ts";
import { natsSecrets, natsUrl } from "./nats/nats.ts";
import { postgresSecrets, postgresUrl } from "./postgres/postgres.ts";
import { lockFile } from "./server.ts";

export interface RunningEmbedded {
  /** The process that supervises them. */
  pid: number;
  postgresUrl: string | undefined;
  natsUrl: string | undefined;
}

/** The servers another process keeps running on this folder, so that a second command can use them. */
export function findRunning(folder: string): RunningEmbedded | undefined {
  const dataDir = resolve(folder);
  const postgres = holderOf(lockFile(dataDir, "postgres"));
  const nats = holderOf(lockFile(dataDir, "nats"));
  const holder = postgres ?? nats;
  if (!holder) return undefined;
  const forPostgres = postgres && readCredentials(postgresSecrets(dataDir));
  const forNats = nats && readCredentials(natsSecrets(dataDir));
  return {
    pid: holder.pid,
    postgresUrl: forPostgres?.port ? postgresUrl(forPostgres, forPostgres.port) : undefined,
    natsUrl: forNats?.port ? natsUrl(forNats, forNats.port) : undefined,
  };
}
