import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const copy = mkdtempSync(join(tmpdir(), "weft-new-"));
const exec = promisify(execFile);
const node = (...args: string[]) => exec(process.execPath, args, { cwd: copy, env: environment() });

/** Without what this test run has set up for its own. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(VITEST|WEFT_TEST|NODE_OPTIONS)/.test(name));
  return { ...Object.fromEntries(kept), NO_COLOR: "1" };
}

/** The code of a command that fails, with what it said. */
const failure = (...args: string[]) =>
  node(...args).then(
    () => ({ code: 0, stderr: "" }),
    (error: { code: number; stderr: string }) => error,
  );

describe("weft new service", { timeout: 180_000 }, () => {
  beforeAll(async () => {
    const { stdout } = await exec("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
      cwd: root,
      maxBuffer: 1 << 24,
    });
    for (const file of stdout.split("\0").filter((it) => it && existsSync(join(root, it)))) {
      mkdirSync(dirname(join(copy, file)), { recursive: true });
      cpSync(join(root, file), join(copy, file));
    }
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    await node("cli/main.ts", "new", "service", "inventory");
  }, 60_000);
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  test("writes what passes every check untouched", async () => {
    const bin = (name: string) => join("node_modules", ".bin", name);
    await Promise.all([
      exec(bin("tsc"), ["--noEmit"], { cwd: copy }),
      exec(bin("biome"), ["ci", "services/inventory", "test/services/inventory.test.ts"], { cwd: copy }),
      exec(bin("buf"), ["lint"], { cwd: copy }),
      exec(bin("buf"), ["format", "--diff", "--exit-code", "proto"], { cwd: copy }),
      node("tools/boundaries.ts"),
    ]);
    await node("tools/gen-is-current.ts");
  });

  test("writes tests that pass, and a container that the compose file's tests accept", async () => {
    const { stdout } = await node(
      "node_modules/vitest/vitest.mjs",
      "run",
      "test/services/inventory.test.ts",
      "test/deploy",
    );
    expect(stdout).toMatch(/Test Files +\d+ passed/);
    expect(stdout).not.toContain("failed");
  });

  test("needs none of the others to load, and says what is wrong with one that does not", async () => {
    rmSync(join(copy, "gen/inventory"), { recursive: true });
    const { code, stderr } = await failure("cli/main.ts", "keys", "--dir", join(copy, "no-keys"));
    expect([code, stderr.trim()]).toEqual([
      1,
      expect.stringMatching(
        /^weft: \S+\/services\/inventory\/\S+ needs gen\/inventory\/\S+, .*run `npm run generate`$/,
      ),
    ]);
    const { stdout } = await node("cli/main.ts", "new", "service", "ledger");
    expect(stdout).toMatch(/contracts: wrote .*gen\/inventory\/v1\/\S+.*gen\/ledger\/v1\//);
  });

  test("gives it the next free port, and does not write over what is there", async () => {
    const { default: inventory } = (await import(join(copy, "services/inventory/service.ts"))) as {
      default: { name: string };
    };
    expect(inventory.name).toBe("inventory");
    const refused = {
      inventory: "is there already",
      "Order-Items": "lower case letters",
      "../evil": "cannot name a service",
      gateway: "has a meaning of its own",
    };
    await Promise.all(
      Object.entries(refused).map(async ([name, why]) => {
        const { code, stderr } = await failure("cli/main.ts", "new", "service", name);
        expect([code, stderr], name).toEqual([1, expect.stringContaining(why)]);
      }),
    );
  });
});
