import { spawnSync } from "node:child_process";
import { expect, test, vi } from "vitest";
import { markOf } from "../../embedded/process/identity.ts";
import {
  countMessages,
  killed,
  publish,
  readRows,
  start,
  startParent,
  temporaryFolder,
  usedFolder,
  writeRow,
} from "./fixture.ts";

const alive = (pids: number[]) => pids.filter((pid) => markOf(pid) !== undefined);
const longEnough = { timeout: 20_000, interval: 50 };

test("servers that outlived their killed parent are stopped by the next start, which has all data", async () => {
  const folder = temporaryFolder();
  const parent = await startParent(folder, "lets-live");
  await writeRow(parent.postgresUrl);
  await publish(parent.natsUrl);
  await killed(parent.process);
  expect(alive(parent.pids)).toEqual(parent.pids);

  const embedded = await start(folder);
  expect(alive(parent.pids)).toEqual([]);
  const stopped = embedded.events.flatMap((event) => (event.type === "orphan-stopped" ? [event.pid] : []));
  expect(stopped.toSorted()).toEqual(parent.pids.toSorted());
  expect([embedded.postgresUrl, embedded.natsUrl]).toEqual([parent.postgresUrl, parent.natsUrl]);
  expect(await readRows(embedded.postgresUrl)).toEqual(["woven"]);
  expect(await countMessages(embedded.natsUrl)).toBe(1);
}, 60_000);

const hasSetpriv = spawnSync("setpriv", ["--pdeathsig", "INT", "--", "true"]).status === 0;

test.runIf(hasSetpriv)(
  "on Linux the servers stop by themselves when their parent is killed",
  async () => {
    const folder = await usedFolder();
    const parent = await startParent(folder);
    await writeRow(parent.postgresUrl);
    await killed(parent.process);
    await vi.waitFor(() => expect(alive(parent.pids)).toEqual([]), longEnough);
    const embedded = await start(folder);
    expect(await readRows(embedded.postgresUrl)).toEqual(["woven"]);
  },
  60_000,
);

test("a start right after the parent was killed, and the parent's servers with it, has all data", async () => {
  const folder = await usedFolder();
  const parent = await startParent(folder, "lets-live");
  await writeRow(parent.postgresUrl);
  await killed(parent.process);
  for (const pid of parent.pids) process.kill(pid, "SIGKILL");
  const embedded = await start(folder);
  expect(await readRows(embedded.postgresUrl)).toEqual(["woven"]);
}, 60_000);

test("a parent that exits without stopping its servers takes them along", async () => {
  const parent = await startParent(await usedFolder(), "lets-live");
  expect(await killed(parent.process, "SIGUSR2")).toBe(3);
  await vi.waitFor(() => expect(alive(parent.pids)).toEqual([]), longEnough);
}, 60_000);

test("a parent asked to stop leaves no process behind", async () => {
  const parent = await startParent(await usedFolder());
  expect(await killed(parent.process, "SIGTERM")).toBe(0);
  expect(alive(parent.pids)).toEqual([]);
}, 60_000);

test("the servers are in sessions of their own, out of reach of Ctrl-C in the parent's terminal", async () => {
  const parent = await startParent(await usedFolder());
  const sessions = [parent.process.pid!, ...parent.pids].map((pid) =>
    spawnSync("ps", ["-o", "pgid=", "-p", String(pid)], { encoding: "utf8" }).stdout.trim(),
  );
  expect(new Set(sessions).size).toBe(3);
}, 60_000);
