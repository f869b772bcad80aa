/**
 * Fails when a contract breaks those who use it: compares `proto/` with how it
 * was at a git revision, by default the newest release tag, else the commit
 * before. Usage: node tools/breaking.ts [--against <revision>]
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buf, root } from "./buf.ts";

const [, , flag, revision] = process.argv;
const against = flag === "--against" && revision ? revision : baseline();

if (against === undefined) console.log("no earlier contracts to compare with");
else process.exitCode = compare(against);

function baseline(): string | undefined {
  return (
    git("describe", "--tags", "--abbrev=0", "--match", "v*") ??
    git("rev-parse", "--verify", "--quiet", "HEAD~1")
  );
}

function compare(earlier: string): number {
  if (git("cat-file", "-e", `${earlier}:proto`) === undefined) {
    console.log(`${earlier} has no contracts to compare with`);
    return 0;
  }
  // Both sides are built with the contracts of others that are installed now.
  const before = mkdtempSync(join(tmpdir(), "weft-breaking-"));
  try {
    const archive = execFileSync("git", ["archive", earlier, "proto"], { cwd: root, maxBuffer: 1 << 28 });
    execFileSync("tar", ["-x", "-C", before], { input: archive });
    cpSync(join(root, "buf.yaml"), join(before, "buf.yaml"));
    mkdirSync(join(before, ".weft"));
    cpSync(join(root, ".weft", "proto"), join(before, ".weft", "proto"), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(before, "node_modules"));
    const image = join(before, "before.binpb");
    buf(["build", "proto", "-o", image], before);
    buf(["breaking", "proto", "--against", image]);
    return 0;
  } catch {
    console.error(`contracts break those of ${earlier}`);
    return 1;
  } finally {
    rmSync(before, { recursive: true });
  }
}

function git(...args: string[]): string | undefined {
  try {
    return execFileSync("git", args, {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return undefined;
  }
}
