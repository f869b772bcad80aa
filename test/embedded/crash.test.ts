import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import {
  countMessages,
  foldersOf,
  ownPorts,
  publish,
  readRows,
  sql,
  start,
  usedFolder,
  writeRow,
} from "./fixture.ts";

const longEnough = { timeout: 20_000, interval: 50 };

test.each([
  { fsync: true, says: "on" },
  { fsync: false, says: "off" },
])(
  "killed PostgreSQL comes back on the same address with its data, even under load ($says)",
  async ({ fsync, says }) => {
    const embedded = await start(await usedFolder(), { ...(await ownPorts()), fsync });
    expect(await sql(embedded.postgresUrl, (sql) => sql`show fsync`)).toEqual([{ fsync: says }]);
    await writeRow(embedded.postgresUrl);
    const before = embedded.status().postgres;
    // A backend deep in a query outlives its postmaster, and must not hold the new one up.
    const busy = sql(embedded.postgresUrl, (sql) => sql`select count(*) from generate_series(1, 1e12)`);
    const cut = expect(busy).rejects.toThrow();
    await vi.waitFor(async () => expect(await activeQueries(embedded.postgresUrl)).toBe(1), longEnough);
    process.kill(before.pid!, "SIGKILL");
    await cut;
    await vi.waitFor(
      () => expect(embedded.status().postgres).toMatchObject({ state: "ready", restarts: 1 }),
      longEnough,
    );
    const after = embedded.status().postgres;
    expect(after.port).toBe(before.port);
    expect(after.pid).not.toBe(before.pid);
    expect(await readRows(embedded.postgresUrl)).toEqual(["woven"]);
  },
  60_000,
);

test("what was written without waiting for the disk is brought there by the next start that waits", async () => {
  const folder = await usedFolder();
  const mark = join(foldersOf(folder).dataDir, "postgres.unsynced");
  const hasty = await start(folder, { ...(await ownPorts()), fsync: false });
  await writeRow(hasty.postgresUrl);
  await hasty.stop();
  expect(existsSync(mark)).toBe(true);
  const careful = await start(folder, await ownPorts());
  expect(existsSync(mark)).toBe(false);
  expect(await readRows(careful.postgresUrl)).toEqual(["woven"]);
}, 60_000);

const activeQueries = (url: string) =>
  sql(url, async (sql) => (await sql`select from pg_stat_activity where query like 'select count%'`).length);

test("killed NATS comes back on the same address with its streams", async () => {
  const embedded = await start(await usedFolder(), await ownPorts());
  await publish(embedded.natsUrl);
  const before = embedded.status().nats;
  process.kill(before.pid!, "SIGKILL");
  await vi.waitFor(
    () => expect(embedded.status().nats).toMatchObject({ state: "ready", restarts: 1 }),
    longEnough,
  );
  expect(embedded.status().nats.port).toBe(before.port);
  expect(await countMessages(embedded.natsUrl)).toBe(1);
  expect(embedded.events).toContainEqual(
    expect.objectContaining({
      server: "nats",
      type: "exited",
      why: "was killed by SIGKILL",
      restartInMs: 250,
    }),
  );
  expect(embedded.status().postgres.restarts).toBe(0);
}, 60_000);
