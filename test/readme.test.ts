import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { commands } from "../cli/commands/index.ts";
import { Checkout } from "./cli/platform.ts";

const root = join(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

test("the README names only commands that exist", () => {
  const named = [...readme.matchAll(/(?:npx weft|`weft) ([a-z]+)/g)].map(([, name = ""]) => name);
  expect(named.length).toBeGreaterThan(5);
  for (const name of named) if (name !== "help") expect(Object.keys(commands)).toContain(name);
});

test("the README's links lead to pages that are there, and nothing in it waits to be written", () => {
  const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)].map(([, link = ""]) => link);
  expect(links.length).toBeGreaterThan(8);
  expect(links.filter((link) => !existsSync(join(root, link)))).toEqual([]);
  expect(readme).not.toMatch(/^[A-Z]{4,}$/m);
});

test("the README's calls work as they are written", { timeout: 120_000 }, async () => {
  const [, curl = ""] = /```sh\n(curl [\s\S]*?)```/.exec(readme) ?? [];
  const [, code = ""] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  await using checkout = new Checkout();
  const up = await checkout.up();
  const here = (text: string) => text.replaceAll("http://localhost:8000", up.url("gateway"));

  const registered = await promisify(execFile)("bash", ["-c", here(curl)]);
  expect(JSON.parse(registered.stdout)).toHaveProperty("data.session.access_token");

  // Inside the checkout, where `#gen` is known.
  const folder = join(root, ".weft", "readme");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${process.pid}.ts`);
  writeFileSync(file, here(code));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [file]);
    expect(stdout.trim()).toMatch(/^[0-9a-f-]{36}$/);
  } finally {
    rmSync(file);
  }
});
