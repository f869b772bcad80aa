import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestInstance, TestWorld } from "../testing/bus.ts";
import { openWorld } from "../testing/bus.ts";

let world: TestWorld;
let it: TestInstance;
beforeAll(async () => {
  world = openWorld();
  it = await world.instance("driver");
  await it.db.sql`create table written (what text)`;
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

/** Ends the connection that a transaction is on, as PostgreSQL does when it stops. */
const cut = async (pid: number) => {
  await it.db.sql`select pg_terminate_backend(${pid}, 5000)`;
};
const written = async () =>
  (await it.db.sql<{ what: string }[]>`select what from written`).map(({ what }) => what);

test("what a transaction does after its connection broke is done nowhere", async () => {
  const late = Promise.withResolvers<unknown>();
  const failed = it.db.transaction(async (tx) => {
    const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
    await tx`insert into written values ('before')`;
    await cut(row!.pid);
    await sleep(50);
    const after = tx`insert into written values ('after')`;
    after.then(late.resolve, late.resolve);
    await after;
  });
  await expect(failed).rejects.toThrow();
  expect(await late.promise).toBeInstanceOf(Error);
  expect(await written()).toEqual([]);
});

test("a connection that breaks while something is on its way to it ends neither the process nor the pool", async () => {
  for (let round = 0; round < 10; round++) {
    const failed = it.db.transaction(async (tx) => {
      const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
      // Sent in the same moment, and after it: some of it finds no socket any more.
      const cutting = cut(row!.pid);
      for (;;) {
        await tx`insert into written values ('never')`;
        await sleep(0);
        void cutting;
      }
    });
    await expect(failed).rejects.toThrow();
  }
  expect(await Promise.all(Array.from({ length: 20 }, () => it.db.sql`select 1 as one`))).toHaveLength(20);
  expect(await written()).toEqual([]);
});
