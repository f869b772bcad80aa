import type { Sql } from "postgres";
import { fail } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import { waitFor } from "../wait.ts";
import { postgres } from "./driver.ts";
import { sqlState } from "./sql-state.ts";

const noSuchDatabase = "3D000";
const alreadyThere = new Set(["42P04", "23505"]);
/** Wrong password, no such role, not allowed: waiting does not mend these. */
const refused = new Set(["28P01", "28000", "42501"]);

export interface ProvisionOptions {
  url: string;
  log: Logger;
  /** How long to wait for the server to come up. */
  waitMs: number;
}

/** Waits until the database can be used, and makes it when the server has none of that name. */
export async function provisionDatabase({ url, log, waitMs }: ProvisionOptions): Promise<void> {
  const where = describeDatabase(url);
  await waitFor(`PostgreSQL at ${where}`, { waitMs, log, giveUp: isRefusal }, async () => {
    try {
      await once(url, (sql) => sql`select 1`);
    } catch (error) {
      if (sqlState(error) !== noSuchDatabase) throw error;
      await createDatabase(url);
      log.info({ database: where }, "database created");
    }
  }).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw fail.unavailable("database_unreachable", `cannot use PostgreSQL at ${where}: ${why}`, {
      remedy: "start it or correct DATABASE_URL; without DATABASE_URL `weft up` brings its own",
      cause,
    });
  });
}

const isRefusal = (error: unknown) => refused.has(sqlState(error));

async function createDatabase(url: string): Promise<void> {
  const admin = new URL(url);
  const name = decodeURIComponent(admin.pathname.slice(1));
  admin.pathname = "/postgres";
  await once(admin.href, (sql) => sql`create database ${sql(name)}`).catch((error: unknown) => {
    // Another instance of the service was faster.
    if (!alreadyThere.has(sqlState(error))) throw error;
  });
}

async function once(url: string, work: (sql: Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1, connect_timeout: 3, onnotice: () => {} });
  try {
    await work(sql);
  } finally {
    await sql.end({ timeout: 2 });
  }
}

/** Host, port and name; never the password. */
export function describeDatabase(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
