import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isAlive, markOf } from "./identity.ts";
import { clearRun, findOrphan, recordRun, stopOrphan } from "./run-file.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-run-"));
  path = join(folder, "x.run");
});
afterEach(() => rmSync(folder, { recursive: true }));

async function sleeper(script = "exec sleep 61") {
  const child = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore"], detached: true });
  await once(child, "spawn");
  return child;
}

const steps = [
  { signal: "SIGTERM", waitMs: 200 },
  { signal: "SIGKILL", waitMs: 2000 },
] as const;

test("a recorded process is found again by what its command line says, and stopped", async () => {
  const child = await sleeper();
  recordRun(path, child.pid!);
  const orphan = findOrphan(path, "sleep 61")!;
  expect(orphan.pid).toBe(child.pid);
  await stopOrphan(orphan, steps);
  expect(isAlive(orphan)).toBe(false);
});

test("a process deaf to the gentle signal is killed", async () => {
  const child = await sleeper("trap '' TERM; echo deaf; sleep 62 & wait; wait");
  await once(child.stdout!, "data");
  recordRun(path, child.pid!);
  await stopOrphan(findOrphan(path, "sleep 62")!, steps);
  expect(markOf(child.pid!)).toBeUndefined();
  // Its own child, in the same group, is ours to end.
  process.kill(-child.pid!, "SIGKILL");
});

test("a recycled pid is never taken for the recorded process", async () => {
  const child = await sleeper();
  writeFileSync(path, JSON.stringify({ pid: child.pid, started: "some other time" }));
  expect(findOrphan(path, "sleep 61")).toBeUndefined();
  child.kill("SIGKILL");
});

test("a process of another command line is left alone", async () => {
  const child = await sleeper();
  recordRun(path, child.pid!);
  expect(findOrphan(path, "postgres")).toBeUndefined();
  child.kill("SIGKILL");
});

test("no record, a cleared one and a broken one all mean no orphan", () => {
  expect(findOrphan(path, "")).toBeUndefined();
  recordRun(path, process.pid);
  clearRun(path);
  expect(findOrphan(path, "")).toBeUndefined();
  writeFileSync(path, "[1");
  expect(findOrphan(path, "")).toBeUndefined();
});
