import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { EmbeddedError } from "../errors.ts";
import type { Account } from "./account.ts";

/** A command as `spawn` takes it. */
export interface Launch {
  command: string;
  args: string[];
  uid?: number;
  gid?: number;
}

export interface LaunchOptions {
  /** Who it must run as; ourselves when absent. */
  account?: Account | undefined;
  /** Files and folders it must be able to reach. */
  needs: readonly string[];
  /** What the kernel sends it should we die without a word. */
  partingSignal: NodeJS.Signals;
  /** Default true; off for tests of what happens where the kernel has no such thing. */
  dieWithParent?: boolean | undefined;
}

/**
 * Prefixes a command with util-linux `setpriv`, which becomes the command (so
 * the pid is its pid): it drops root, and asks the kernel to signal the child
 * when its parent dies, even by `kill -9`. Without setpriv the next start
 * finds the orphans instead.
 */
export function launchAs(command: string, args: string[], options: LaunchOptions): Launch {
  const { account, needs, partingSignal, dieWithParent = true } = options;
  const prefix = dieWithParent && hasSetpriv() ? ["--pdeathsig", partingSignal.replace("SIG", "")] : [];
  const hidden = account && needs.find((path) => !canReach(account, path));
  if (hidden && !hasSetpriv()) throw unreachable(hidden);
  if (account && hasSetpriv()) {
    prefix.push(`--reuid=${account.uid}`, `--regid=${account.gid}`, "--clear-groups");
    if (hidden) prefix.push(...passage());
  }
  if (prefix.length > 0) return { command: "setpriv", args: [...prefix, "--", command, ...args] };
  return { command, args, ...(account && { uid: account.uid, gid: account.gid }) };
}

/**
 * Lets an unprivileged child through folders only root may enter. Reading and
 * searching is enough; containers often have the stronger capability only.
 * `no_setuid_fixup` because access(2), by which initdb looks for its programs,
 * else ignores the capabilities of a user who is not root.
 */
function passage(): string[] {
  const capability = holds(2) ? "dac_read_search" : "dac_override";
  return [
    "--securebits=+no_setuid_fixup",
    `--bounding-set=-all,+${capability}`,
    `--inh-caps=-all,+${capability}`,
    `--ambient-caps=-all,+${capability}`,
  ];
}

function holds(capability: number): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return ((BigInt(`0x${effective}`) >> BigInt(capability)) & 1n) === 1n;
}

/** Could this account open the path, going by the permissions of it and of all folders above? */
export function canReach({ uid, gid }: Account, path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    const stat = statSync(at);
    const bits = stat.uid === uid ? stat.mode >> 6 : stat.gid === gid ? stat.mode >> 3 : stat.mode;
    const wanted = at === path && !stat.isDirectory() ? 4 : 1;
    if ((bits & wanted) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

let setpriv: boolean | undefined;

function hasSetpriv(): boolean {
  setpriv ??= process.platform === "linux" && works("setpriv", ["--pdeathsig", "INT", "--", "true"]);
  return setpriv;
}

function works(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function unreachable(path: string): EmbeddedError {
  return new EmbeddedError(
    "root_refused",
    `PostgreSQL does not run as root, and others may not enter ${path}`,
    {
      remedy:
        "start weft as a normal user, move the checkout to a folder others may enter, or set DATABASE_URL",
    },
  );
}
