import { closeSync, mkdtempSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { logSince, logSize, openLog, rotate } from "./log-file.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-log-"));
  path = join(folder, "deeper", "x.log");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a log over its limit moves to the one old file, and its writer goes on in the emptied one", () => {
  const file = openLog(path);
  writeSync(file, "first life\n");
  rotate(path, 5);
  writeSync(file, "second\n");
  rotate(path, 5);
  writeSync(file, "third\n");
  closeSync(file);
  expect(readFileSync(path, "utf8")).toBe("third\n");
  expect(readFileSync(`${path}.1`, "utf8")).toBe("second\n");
});

test("a log within its limit stays", () => {
  closeSync(openLog(path));
  rotate(path, 5);
  expect(statSync(`${path}.1`, { throwIfNoEntry: false })).toBeUndefined();
});

test("what was logged since a start is told apart from before", () => {
  const file = openLog(path);
  writeSync(file, "before\n");
  const from = logSize(path);
  writeSync(file, "after\n");
  expect(logSince(path, from)).toBe("after\n");
  rotate(path, 1);
  writeSync(file, "new\n");
  closeSync(file);
  expect(logSince(path, from)).toBe("new\n");
});

test("only the owner can read a log", () => {
  closeSync(openLog(path));
  expect(statSync(path).mode & 0o077).toBe(0);
});
