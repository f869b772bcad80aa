import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { fail } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import type { Database, Query } from "./database.ts";
import { postgres } from "./driver.ts";

interface Migration {
  /** As it is remembered. */
  readonly name: string;
  readonly path: string;
  readonly text: string;
  readonly checksum: string;
}

/** Any number will do, as long as every instance uses the same. */
const lockKey = 7_238_746;

/**
 * Brings a database up to date with the `NNNN_name.sql` files of a folder, in
 * the order of their names. Each file is one transaction; instances that start
 * together wait for each other.
 */
export async function migrate(db: Database, folder: URL, log: Logger): Promise<void> {
  // What the mesh itself keeps there comes first: a service's own may build on it.
  const migrations = [
    ...(await readMigrations(new URL("./migrations/", import.meta.url), "mesh/")),
    ...(await readMigrations(folder, "")),
  ];
  const connection = await db.sql.reserve();
  try {
    // Both the wait for another instance and a change of a large table may take longer than a call's statement.
    await connection`set statement_timeout = 0`;
    await connection`select pg_advisory_lock(${lockKey})`;
    await connection`
      create table if not exists weft_migrations (
        name text primary key,
        checksum text not null,
        applied_at timestamptz not null default now()
      )`;
    const rows = await connection<
      { name: string; checksum: string }[]
    >`select name, checksum from weft_migrations`;
    const applied = new Map(rows.map((row) => [row.name, row.checksum]));
    for (const migration of migrations) {
      const checksum = applied.get(migration.name);
      if (checksum === undefined) await apply(connection, migration, log);
      else if (checksum !== migration.checksum) throw edited(migration);
    }
  } finally {
    // A connection that cannot be tidied up is gone, and its lock and settings with it.
    await connection`select pg_advisory_unlock(${lockKey})`.catch(() => {});
    await connection`reset statement_timeout`.catch(() => {});
    connection.release();
  }
}

async function readMigrations(folder: URL, prefix: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  return Promise.all(
    names.map(async (name) => {
      if (!/^\d{4}_[a-z0-9_]+\.sql$/.test(name)) {
        throw fail.precondition(
          "bad_migration",
          `${fileURLToPath(folder)}${name} is not named like 0001_what.sql`,
        );
      }
      const text = await readFile(new URL(name, folder), "utf8");
      const path = fileURLToPath(new URL(name, folder));
      return { name: prefix + name, path, text, checksum: createHash("sha256").update(text).digest("hex") };
    }),
  );
}

async function apply(connection: Query, migration: Migration, log: Logger): Promise<void> {
  const started = performance.now();
  try {
    await connection`begin`;
    await connection.unsafe(migration.text);
    await connection`insert into weft_migrations (name, checksum) values (${migration.name}, ${migration.checksum})`;
    await connection`commit`;
  } catch (error) {
    await connection`rollback`.catch(() => {});
    throw failed(migration, error);
  }
  log.info(
    { migration: migration.name, duration: Math.round(performance.now() - started) },
    "migration applied",
  );
}

function failed(migration: Migration, cause: unknown): Error {
  const position = cause instanceof postgres.PostgresError ? Number(cause.position) : Number.NaN;
  const line = Number.isNaN(position) ? "" : `:${migration.text.slice(0, position).split("\n").length}`;
  const why = cause instanceof Error ? cause.message : String(cause);
  return fail.precondition("migration_failed", `${migration.path}${line}: ${why}`, {
    remedy: "nothing of this file was applied; correct it and start again",
    cause,
  });
}

function edited(migration: Migration): Error {
  return fail.precondition("migration_edited", `${migration.path} was changed after it was applied`, {
    remedy: "restore the file and put the change into a new one",
  });
}
