import { createServer } from "node:net";
import { expect, test } from "vitest";
import { startNats, startPostgres } from "#embedded";
import { isFree } from "../../embedded/ports.ts";
import {
  foldersOf,
  ownPort,
  ownPorts,
  readRows,
  start,
  startParent,
  temporaryFolder,
  usedFolder,
  writeRow,
} from "./fixture.ts";

test("two checkouts run side by side, each with its own ports and data", async () => {
  const [one, two] = await Promise.all([start(temporaryFolder()), start(temporaryFolder())]);
  const ports = [one, two].flatMap((each) => [each.status().postgres.port, each.status().nats.port]);
  expect(new Set(ports).size).toBe(4);
  await writeRow(one.postgresUrl);
  await expect(readRows(two.postgresUrl)).rejects.toThrow(/does not exist/);
  expect(await readRows(one.postgresUrl)).toEqual(["woven"]);
}, 60_000);

test("a second start on the same folder is refused in one line that names who holds it", async () => {
  const folder = await usedFolder();
  const parent = await startParent(folder);
  const refused = await start(folder).catch((error: unknown) => error);
  expect(refused).toMatchObject({ name: "EmbeddedError", code: "in_use" });
  expect(String(refused)).toContain(`another weft (pid ${parent.process.pid}) runs on ${folder}`);
  expect(String(refused)).not.toContain("\n");
  // The refused start did the running one no harm.
  await writeRow(parent.postgresUrl);
}, 60_000);

test("the address stays the same from start to start", async () => {
  const folder = await usedFolder();
  const first = await start(folder, await ownPorts());
  await first.stop();
  const second = await start(folder);
  expect([second.postgresUrl, second.natsUrl]).toEqual([first.postgresUrl, first.natsUrl]);
}, 60_000);

test("a start whose last port was taken meanwhile moves, and says so", async () => {
  const folder = await usedFolder();
  const port = await ownPort();
  const first = await startNats({ ...foldersOf(folder), port });
  await first.stop();
  const squatter = createServer().listen(port, "127.0.0.1");
  const second = await start(folder);
  squatter.close();
  const moved = second.status().nats.port;
  expect(moved).not.toBe(port);
  expect(second.events).toContainEqual({ server: "nats", type: "port-moved", from: port, to: moved });
}, 60_000);

test("a port asked for by number is used, or refused when taken", async () => {
  const folder = await usedFolder();
  const port = await ownPort();
  const postgres = await startPostgres({ ...foldersOf(folder), port });
  expect(postgres.status().port).toBe(port);
  const taken = startNats({ ...foldersOf(folder), port });
  await expect(taken).rejects.toMatchObject({ code: "port_taken" });
  await postgres.stop();
  expect(await isFree(port)).toBe(true);
}, 60_000);

test("when one server cannot start, the other is not left running", async () => {
  const folder = await usedFolder();
  const natsPort = await ownPort();
  const taken = createServer().listen(natsPort, "127.0.0.1");
  await expect(start(folder, { natsPort })).rejects.toMatchObject({ code: "port_taken" });
  taken.close();
  // Both locks are free again, so a second try may start them.
  await (await start(folder)).stop();
}, 60_000);
