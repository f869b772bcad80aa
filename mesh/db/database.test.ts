import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createLogger } from "../log/logger.ts";
import { databaseUrl, dropDatabases } from "../testing/databases.ts";
import { collectLogs } from "../testing/logs.ts";
import type { Database } from "./database.ts";
import { only, openDatabase, violates } from "./database.ts";
import { provisionDatabase } from "./provision.ts";
import { sqlState } from "./sql-state.ts";

const url = databaseUrl("database");
let db: Database;
beforeAll(async () => {
  const log = createLogger({ service: "test", level: "silent", contracts: [], destination: collectLogs() });
  await provisionDatabase({ url, log, waitMs: 5000 });
  db = openDatabase({ url, applicationName: "weft-test", statementTimeoutMs: 1000 });
  await db.sql`create table counters (id int primary key, big_count bigint not null, constraint counters_positive check (big_count >= 0))`;
});
afterAll(async () => {
  await db.close();
  await dropDatabases([url]);
});
beforeEach(async () => {
  await db.sql`truncate counters`;
  await db.sql`insert into counters values (1, 0), (2, 0)`;
});

test("rows have camel-case names, bigints and UTC times", async () => {
  expect(await db.sql`select big_count from counters where id = 1`).toMatchObject([{ bigCount: 0n }]);
  expect(
    await db.sql`select current_setting('TimeZone') as zone, current_setting('application_name') as app`,
  ).toMatchObject([{ zone: "UTC", app: "weft-test" }]);
});

describe("a transaction", () => {
  test("happens wholly or not at all", async () => {
    const work = db.transaction(async (tx) => {
      await tx`update counters set big_count = 5`;
      throw new Error("changed my mind");
    });
    await expect(work).rejects.toThrow("changed my mind");
    expect(await db.sql`select distinct big_count from counters`).toMatchObject([{ bigCount: 0n }]);
  });

  test("is run again when PostgreSQL cannot serialise it", async () => {
    let runs = 0;
    const meet = meeting(2);
    const add = () =>
      db.transaction(async (tx) => {
        runs++;
        await tx`set transaction isolation level serializable`;
        const { bigCount } = only(
          await tx<{ bigCount: bigint }[]>`select big_count from counters where id = 1`,
        );
        await meet();
        await tx`update counters set big_count = ${bigCount + 1n} where id = 1`;
      });
    await Promise.all([add(), add()]);
    expect(runs).toBe(3);
    expect(await db.sql`select big_count from counters where id = 1`).toMatchObject([{ bigCount: 2n }]);
  });

  test("is run again when it was the victim of a deadlock", async () => {
    let runs = 0;
    const meet = meeting(2);
    const addBoth = (first: number, second: number) =>
      db.transaction(async (tx) => {
        runs++;
        await tx`set local deadlock_timeout = '20ms'`;
        await tx`update counters set big_count = big_count + 1 where id = ${first}`;
        await meet();
        await tx`update counters set big_count = big_count + 1 where id = ${second}`;
      });
    await Promise.all([addBoth(1, 2), addBoth(2, 1)]);
    expect(runs).toBeGreaterThan(2);
    expect(await db.sql`select big_count from counters`).toMatchObject([{ bigCount: 2n }, { bigCount: 2n }]);
  });

  test("gives up when that never ends, and never runs again for other errors", async () => {
    let runs = 0;
    const raise = (code: string) =>
      db.transaction((tx) => {
        runs++;
        return tx.unsafe(`do $$ begin raise exception 'x' using errcode = '${code}'; end $$`);
      });
    await expect(raise("40001")).rejects.toMatchObject({ code: "40001" });
    expect(runs).toBe(4);
    await expect(raise("23505")).rejects.toMatchObject({ code: "23505" });
    expect(runs).toBe(5);
  });

  /** Lets the first of each pair wait for the second, so that they do collide; later rounds pass freely. */
  function meeting(size: number) {
    let arrived = 0;
    const all = Promise.withResolvers<void>();
    return async () => {
      if (++arrived === size) all.resolve();
      await all.promise;
    };
  }
});

test("a statement that runs for too long is ended by the server", async () => {
  const error = await db.sql`select pg_sleep(30)`.then(
    () => undefined,
    (it: unknown) => it,
  );
  expect(sqlState(error)).toBe("57014");
  expect(await db.sql`select 1 as one`).toMatchObject([{ one: 1 }]);
});

test("a violated constraint is told by its name", async () => {
  const error = await db.sql`update counters set big_count = -1`.catch((it: unknown) => it);
  expect(violates(error, "counters_positive")).toBe(true);
  expect(violates(error, "counters_pkey")).toBe(false);
  expect(violates(new Error("counters_positive"), "counters_positive")).toBe(false);
  expect(sqlState(new Error("x"))).toBe("");
});

test("only gives the one row or the error that the caller chose", () => {
  expect(only([1])).toBe(1);
  expect(() => only([])).toThrow("no row");
  expect(() => only([], () => new Error("not found"))).toThrow("not found");
});
