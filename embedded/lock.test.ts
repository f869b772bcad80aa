import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { holderOf, takeLock } from "./lock.ts";
import { markOf } from "./process/identity.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft lock "));
  path = join(folder, "a.lock");
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (text: string) => writeFileSync(path, text);

test("a lock held by a living process is refused, naming its pid", () => {
  write(JSON.stringify(markOf(process.ppid)));
  expect(() => takeLock(path, folder)).toThrow(
    new RegExp(`^another weft \\(pid ${process.ppid}\\) runs on .*; use that one, or stop it with`),
  );
});

test("the same process cannot take a lock twice, but can after releasing it", () => {
  const lock = takeLock(path, folder);
  expect(() => takeLock(path, folder)).toThrow(/this process already runs on/);
  lock.release();
  takeLock(path, folder).release();
  expect(readdirSync(folder)).toEqual([]);
});

test("the lock of a dead process is taken over", () => {
  const pid = Number(execFileSync("sh", ["-c", "echo $$"], { encoding: "utf8" }));
  write(JSON.stringify({ pid, started: "long ago" }));
  const lock = takeLock(path, folder);
  expect(holderOf(path)?.pid).toBe(process.pid);
  lock.release();
});

test("the lock of a dead process whose pid lives again as another is taken over", () => {
  write(JSON.stringify({ pid: process.ppid, started: "before this process" }));
  expect(holderOf(path)).toBeUndefined();
  takeLock(path, folder).release();
});

test("a lock file that makes no sense is taken over", () => {
  write("{ half a");
  takeLock(path, folder).release();
});
