import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import type { Credentials } from "../credentials.ts";
import type { Child } from "../process/child.ts";
import { readPostmaster } from "./postmaster-file.ts";

export interface PostgresProbe {
  cluster: string;
  port: number;
  credentials: Credentials;
}

/** Waits until this very child answers a query, and returns its version. */
export async function probePostgres(
  probe: PostgresProbe,
  child: Child,
  signal: AbortSignal,
): Promise<string> {
  while (!signal.aborted) {
    const postmaster = readPostmaster(probe.cluster);
    // Before that file says so, whoever answers on the port may be a stranger.
    if (postmaster?.pid === child.pid && postmaster.ready) {
      const version = await askVersion(probe).catch(() => undefined);
      if (version !== undefined) return version;
    }
    await sleep(20);
  }
  throw signal.reason;
}

async function askVersion({ port, credentials: { user, password } }: PostgresProbe): Promise<string> {
  const sql = postgres({
    host: "127.0.0.1",
    port,
    user,
    password,
    database: "postgres",
    max: 1,
    connect_timeout: 3,
    onnotice: () => {},
  });
  try {
    const [row] = await sql<{ server_version: string }[]>`show server_version`;
    return row?.server_version ?? "";
  } finally {
    await sql.end({ timeout: 1 });
  }
}
