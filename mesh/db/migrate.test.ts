import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { reasonOf } from "../errors.ts";
import { createLogger } from "../log/logger.ts";
import { databaseUrl, dropDatabases } from "../testing/databases.ts";
import { collectLogs } from "../testing/logs.ts";
import type { Database } from "./database.ts";
import { openDatabase } from "./database.ts";
import { migrate } from "./migrate.ts";
import { provisionDatabase } from "./provision.ts";

const logs = collectLogs();
const log = createLogger({ service: "test", level: "info", contracts: [], destination: logs });
let folder: string;
let url: string;
let db: Database;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-migrate-"));
  url = databaseUrl("migrate");
  await provisionDatabase({ url, log, waitMs: 5000 });
  db = openDatabase({ url, applicationName: "test" });
});
afterEach(async () => {
  await db.close();
  await dropDatabases([url]);
  await rm(folder, { recursive: true });
});

const write = (name: string, sql: string) => writeFile(join(folder, name), sql);
const run = (database = db) => migrate(database, pathToFileURL(`${folder}/`), log);
const applied = async () =>
  (
    await db.sql<{ name: string }[]>`
    select name from weft_migrations where name not like 'mesh/%' order by name`
  ).map((it) => it.name);
const failure = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: Error) => error,
  );

test("files are applied in the order of their names, once", async () => {
  await write("0002_more.sql", "alter table things add column size int; insert into things values ('b', 2);");
  await write("0001_things.sql", "create table things (name text); insert into things values ('a');");
  await write("notes.txt", "not one of them");
  await run();
  await run();
  expect(await db.sql`select name, size from things order by name`).toMatchObject([
    { name: "a", size: null },
    { name: "b", size: 2 },
  ]);
  await write("0003_last.sql", "insert into things values ('c', 3)");
  await run();
  expect(await applied()).toEqual(["0001_things.sql", "0002_more.sql", "0003_last.sql"]);
  expect(await db.sql`select count(*)::int as n from things`).toMatchObject([{ n: 3 }]);
});

test("five instances that start at once apply each file once", async () => {
  await write(
    "0001_slow.sql",
    "create table things (n int); select pg_sleep(0.1); insert into things values (1);",
  );
  await write("0002_more.sql", "insert into things values (2)");
  const instances = Array.from({ length: 5 }, () => openDatabase({ url, applicationName: "test" }));
  try {
    await Promise.all(instances.map((it) => run(it)));
    expect(await db.sql`select n from things order by n`).toMatchObject([{ n: 1 }, { n: 2 }]);
  } finally {
    await Promise.all(instances.map((it) => it.close()));
  }
});

test("a migration, and the wait for another instance's, may take longer than a call's statement", async () => {
  await write("0001_slow.sql", "create table things (n int); select pg_sleep(0.4);");
  const hasty = () => openDatabase({ url, applicationName: "test", statementTimeoutMs: 150 });
  const instances = [hasty(), hasty()];
  try {
    await Promise.all(instances.map((it) => run(it)));
    expect(await applied()).toEqual(["0001_slow.sql"]);
    // The limit is back for everything that comes after.
    for (const it of instances)
      expect(await it.sql`show statement_timeout`).toMatchObject([{ statementTimeout: "150ms" }]);
  } finally {
    await Promise.all(instances.map((it) => it.close()));
  }
});

describe("a file that fails half-way", () => {
  test("leaves nothing of itself, keeps what came before, and says file and line", async () => {
    await write("0001_good.sql", "create table good (n int)");
    await write(
      "0002_bad.sql",
      "create table half (n int);\ninsert into half values (1);\n\nselect nonsense from half;\n",
    );
    const error = await failure(run());
    expect(reasonOf(error)).toBe("migration_failed");
    expect(error.message).toContain(`${join(folder, "0002_bad.sql")}:4: column "nonsense" does not exist`);
    expect(error.message).toContain("nothing of this file was applied");
    expect(await applied()).toEqual(["0001_good.sql"]);
    expect(await db.sql`select to_regclass('half') as half, to_regclass('good') as good`).toMatchObject([
      { half: null, good: "good" },
    ]);
  });

  test("and whose record cannot be written is as if it had never run", async () => {
    await write("0001_bad.sql", "create table half (n int); drop table weft_migrations;");
    expect((await failure(run())).message).toContain("weft_migrations");
    expect(await db.sql`select to_regclass('half') as half`).toMatchObject([{ half: null }]);
  });

  test("is applied once it is mended, on the same pool", async () => {
    await write("0001_bad.sql", "create table t (n int); select 1/0;");
    expect((await failure(run())).message).toContain("division by zero");
    await write("0001_bad.sql", "create table t (n int);");
    await run();
    expect(await applied()).toEqual(["0001_bad.sql"]);
  });
});

test("a file that was edited after it was applied is refused", async () => {
  await write("0001_a.sql", "create table a (n int)");
  await run();
  await write("0001_a.sql", "create table a (n bigint)");
  await write("0002_b.sql", "create table b (n int)");
  const error = await failure(run());
  expect(reasonOf(error)).toBe("migration_edited");
  expect(error.message).toContain("0001_a.sql was changed after it was applied");
  expect(await applied()).toEqual(["0001_a.sql"]);
});

test.each(["1_a.sql", "0001-a.sql", "0001_A.sql", "0001_.sql", "a.sql"])(
  "a file named %s is refused, and nothing is applied",
  async (name) => {
    await write("0000_first.sql", "create table a (n int)");
    await write(name, "create table b (n int)");
    const error = await failure(run());
    expect(reasonOf(error)).toBe("bad_migration");
    expect(error.message).toContain(`${name} is not named like 0001_what.sql`);
    expect(await db.sql`select to_regclass('a') as a`).toMatchObject([{ a: null }]);
  },
);
