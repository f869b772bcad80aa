import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hasCluster } from "./cluster.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-cluster-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function fill(version: string, control: number) {
  writeFileSync(join(folder, "PG_VERSION"), `${version}\n`);
  mkdirSync(join(folder, "global"));
  writeFileSync(join(folder, "global", "pg_control"), Buffer.alloc(control));
}

test("no folder and an empty one hold no cluster", () => {
  expect(hasCluster(join(folder, "none"))).toBe(false);
  expect(hasCluster(folder)).toBe(false);
});

test("a whole folder of our version holds one", () => {
  fill("18", 8192);
  expect(hasCluster(folder)).toBe(true);
});

test("a folder without PG_VERSION is incomplete", () => {
  writeFileSync(join(folder, "base"), "");
  expect(() => hasCluster(folder)).toThrow(/PG_VERSION is missing; run `weft reset`.*nothing was deleted/);
});

test("a folder of another major version names both", () => {
  fill("17", 8192);
  expect(() => hasCluster(folder)).toThrow(/made by PostgreSQL 17, ours is 18/);
});

test("a control file of the wrong size is damage", () => {
  fill("18", 10);
  expect(() => hasCluster(folder)).toThrow(/pg_control is missing or damaged/);
});
