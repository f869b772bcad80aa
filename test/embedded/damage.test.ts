import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { startNats, startPostgres } from "#embedded";
import { commandLine } from "../../embedded/process/identity.ts";
import { foldersOf, readRows, start, temporaryFolder, writeRow } from "./fixture.ts";
import { prepareData } from "./prepared-data.ts";

let folder: string;
let cluster: string;
beforeEach(() => {
  folder = temporaryFolder();
  cluster = join(folder, "data", "postgres");
});

const startOnly = () => startPostgres(foldersOf(folder));

/** Some time ago PostgreSQL was here. */
async function once() {
  if (!existsSync(join(folder, "data"))) await prepareData(join(folder, "data"));
  const postgres = await startOnly();
  await writeRow(postgres.url);
  await postgres.stop();
}

/** Fails in one line that says nothing was deleted, and indeed deletes nothing. */
async function expectRefusal(code: string) {
  const before = readdirSync(cluster, { recursive: true });
  const refused = await startOnly().catch((error: unknown) => error);
  expect(refused).toMatchObject({ code, remedy: expect.stringContaining("nothing was deleted") });
  expect(String(refused)).not.toContain("\n");
  expect(String(refused)).toContain(cluster);
  expect(readdirSync(cluster, { recursive: true })).toEqual(before);
}

test("a data folder without PG_VERSION is refused and kept", async () => {
  await once();
  rmSync(join(cluster, "PG_VERSION"));
  await expectRefusal("data_incomplete");
}, 60_000);

test("a data folder of another major version is refused and kept", async () => {
  await once();
  writeFileSync(join(cluster, "PG_VERSION"), "17\n");
  await expectRefusal("data_version");
}, 60_000);

test("a damaged control file is refused and the folder kept", async () => {
  await once();
  writeFileSync(join(cluster, "global", "pg_control"), Buffer.alloc(8192, 7));
  await expectRefusal("data_corrupt");
}, 60_000);

test("a half-made data folder of an interrupted first start does not disturb the next", async () => {
  mkdirSync(join(folder, "data", "postgres.new-1", "base"), { recursive: true });
  await once();
  expect(readdirSync(join(folder, "data"))).not.toContain("postgres.new-1");
}, 60_000);

test("a postmaster.pid that now names a foreign process does not break the start", async () => {
  await once();
  const stale = [process.pid, cluster, 1, 54_320, "", "127.0.0.1", "", "ready"].join("\n");
  writeFileSync(join(cluster, "postmaster.pid"), stale);
  const postgres = await startOnly();
  expect(await readRows(postgres.url)).toEqual(["woven"]);
  await postgres.stop();
}, 60_000);

test("passwords are for the owner's eyes only: not in files others can read, not in arguments", async () => {
  const embedded = await start(folder);
  const { postgres, nats } = embedded.status();
  for (const name of ["postgres.json", "nats.json", "nats.conf"]) {
    expect([name, statSync(join(folder, "data", name)).mode & 0o077]).toEqual([name, 0]);
  }
  const passwords = [embedded.postgresUrl, embedded.natsUrl].map((url) => new URL(url).password);
  const seen = [commandLine(postgres.pid!), commandLine(nats.pid!)].join();
  for (const password of passwords) expect(seen).not.toContain(password);
  for (const log of ["postgres.log", "nats.log"]) {
    for (const password of passwords)
      expect(readFileSync(join(folder, "logs", log), "utf8")).not.toContain(password);
  }
}, 60_000);

test("a wrong password is refused by both", async () => {
  await prepareData(join(folder, "data"));
  const embedded = await start(folder);
  const wrong = new URL(embedded.postgresUrl);
  wrong.password = "guess";
  await expect(readRows(wrong.href)).rejects.toMatchObject({ code: "28P01" });
}, 60_000);

const isRoot = process.getuid?.() === 0;

test.runIf(isRoot && process.platform === "linux")(
  "root can start PostgreSQL in a folder only root may enter, and it does not run as root",
  async () => {
    mkdirSync(join(folder, "data"), { mode: 0o700, recursive: true });
    const postgres = await startOnly();
    const { pid } = postgres.status();
    const user = execFileSync("ps", ["-o", "uid=", "-p", String(pid)], { encoding: "utf8" });
    expect(Number(user)).toBeGreaterThan(0);
    await writeRow(postgres.url);
    await postgres.stop();
  },
  60_000,
);

test("a nats folder that cannot be written is told in one line", async () => {
  writeFileSync(join(folder, "in-the-way"), "");
  const refused = startNats({ dataDir: join(folder, "in-the-way", "data"), logDir: join(folder, "logs") });
  await expect(refused).rejects.toMatchObject({ name: "EmbeddedError" });
}, 60_000);
