import { linkSync, readFileSync, rmSync } from "node:fs";
import { EmbeddedError, errnoOf, fromSystem } from "./errors.ts";
import { writePrivate } from "./private-file.ts";
import type { ProcessMark } from "./process/identity.ts";
import { isAlive, markOf } from "./process/identity.ts";
import { parseMark, readMark } from "./process/run-file.ts";

export interface Lock {
  release(): void;
}

let serial = 0;

/**
 * Takes the lock at `path` for this process. A hard link either appears with
 * its whole content or fails, so no reader ever sees a half-written lock.
 */
export function takeLock(path: string, folder: string): Lock {
  const self = markOf(process.pid);
  if (!self) throw new Error("this process cannot see itself in the process table");
  const draft = `${path}.${process.pid}.${serial++}`;
  writePrivate(draft, JSON.stringify(self));
  try {
    for (;;) {
      if (tryLink(draft, path)) return { release: () => rmSync(path, { force: true }) };
      const holder = holderOf(path);
      if (holder) throw inUse(folder, holder.pid);
      removeStale(path, folder);
    }
  } catch (error) {
    throw fromSystem(error, path);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Who holds the lock now, if anyone living does. */
export function holderOf(path: string): ProcessMark | undefined {
  const holder = readMark(path);
  return holder && isAlive(holder) ? holder : undefined;
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
}

/**
 * Two starters may see the same stale lock, and the slower one must not remove
 * the lock that the faster one has put in its place. So they take turns, by a
 * lock of the same kind, and look again; were that one stale, so on.
 */
function removeStale(path: string, folder: string): void {
  const turn = tryTurn(`${path}.turn`, folder);
  if (turn) {
    if (isStale(path)) rmSync(path, { force: true });
    turn.release();
  } else {
    pause(5);
  }
}

/** Where there is no lock, one may appear at any moment: that is not stale. A dead one's stays as it is. */
function isStale(path: string): boolean {
  try {
    const holder = parseMark(readFileSync(path, "utf8"));
    return !holder || !isAlive(holder);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}

function tryTurn(path: string, folder: string): Lock | undefined {
  try {
    return takeLock(path, folder);
  } catch (error) {
    if (error instanceof EmbeddedError && error.code === "in_use") return undefined;
    throw error;
  }
}

/** Blocks: a turn takes microseconds, and taking a lock is one step for its caller. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function inUse(folder: string, pid: number): EmbeddedError {
  const who = pid === process.pid ? "this process already" : `another weft (pid ${pid})`;
  return new EmbeddedError("in_use", `${who} runs on ${folder}`, {
    remedy: pid === process.pid ? "stop that one first" : `use that one, or stop it with \`kill ${pid}\``,
  });
}
