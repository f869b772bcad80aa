import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withContenders } from "./contender.ts";

let folder: string;
const file = (name: string) => pathToFileURL(join(folder, name)).href;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-bench-"));
  const write = (name: string, text: string) => writeFile(join(folder, name), text);
  await write("server.mjs", "export const startServer = async () => ({ address: String(process.pid) });");
  await write("client.mjs", "export const startClient = async (address, { say }) => ({ address, say });");
  await write("dying.mjs", "export const startServer = () => process.exit(3);");
  await write(
    "work.mjs",
    `export const workCases = { echo: {
       check: async ({ say }) => { if (say !== "yes") throw new Error("it says " + say + " from " + process.pid); },
       work: () => async (note) => { await new Promise(setImmediate); note(performance.now()); },
     } };`,
  );
});
afterAll(() => rm(folder, { recursive: true }));

const peer = (say: string, server = "server.mjs") => ({
  name: "fake",
  server: file(server),
  client: file("client.mjs"),
  options: { say },
});
const lives = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const never = new AbortController().signal;

describe("the processes of a peer", () => {
  test("measure, with their options, and are gone afterwards", async () => {
    const figures = await withContenders([peer("yes")], file("work.mjs"), never, async ([fake]) => {
      await fake!.check("echo");
      return fake!.measure({ name: "echo", lanes: 4 }, 20);
    });
    expect(figures.perSecond).toBeGreaterThan(0);
    expect(figures.rssServerMb).toBeGreaterThan(1);
  });

  test("say what went wrong in them, and are gone afterwards", async () => {
    const running = withContenders([peer("no")], file("work.mjs"), never, ([fake]) => fake!.check("echo"));
    const error = await running.then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    const [, pid] = /the client of fake: Error: it says no from (\d+)/.exec(error?.message ?? "") ?? [];
    expect(Number(pid)).toBeGreaterThan(0);
    expect(lives(Number(pid))).toBe(false);
  });

  test("are told of by name when they end by themselves", async () => {
    const running = withContenders([peer("yes", "dying.mjs")], file("work.mjs"), never, async () => {});
    await expect(running).rejects.toThrow("the server of fake ended by itself (code 3)");
  });

  test("end in the middle of their work when the run is stopped", async () => {
    const stopping = new AbortController();
    const running = withContenders([peer("yes")], file("work.mjs"), stopping.signal, ([fake]) => {
      setTimeout(() => stopping.abort(new Error("stopped")), 50);
      return fake!.measure({ name: "echo", lanes: 1 }, 60_000);
    });
    await expect(running).rejects.toThrow("stopped");
  });
});
