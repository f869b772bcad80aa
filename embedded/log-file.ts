import { closeSync, copyFileSync, mkdirSync, openSync, readSync, statSync, truncateSync } from "node:fs";
import { dirname } from "node:path";
import { fromSystem } from "./errors.ts";
import { giveToOwnerOf } from "./private-file.ts";

const maxBytes = 8 * 1024 * 1024;
const checkEveryMs = 10_000;

/** Opens for appending. Only for the owner: statements in a log may carry data. */
export function openLog(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(path, "a", 0o600);
    giveToOwnerOf(dirname(path), path);
    return file;
  } catch (error) {
    throw fromSystem(error, path);
  }
}

/**
 * Keeps `path` near 8 MB, with one old file beside it. The server holds the
 * file open, so it is copied and emptied instead of renamed; lines written
 * between the two are lost, which a log may.
 */
export function keepLogSmall(path: string, limit = maxBytes): () => void {
  rotate(path, limit);
  const timer = setInterval(() => rotate(path, limit), checkEveryMs).unref();
  return () => clearInterval(timer);
}

export function rotate(path: string, limit = maxBytes): void {
  try {
    if (statSync(path).size <= limit) return;
    copyFileSync(path, `${path}.1`);
    giveToOwnerOf(dirname(path), `${path}.1`);
    truncateSync(path);
  } catch {
    // Not there yet, or the disk is full: the server itself will complain of what matters.
  }
}

export function logSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** What was logged since the file had the size `from`; the last 64 KB of it. */
export function logSince(path: string, from: number): string {
  const size = logSize(path);
  const start = Math.max(size < from ? 0 : from, size - 65_536);
  const text = Buffer.alloc(size - start);
  if (text.length === 0) return "";
  const file = openSync(path, "r");
  try {
    return text.toString("utf8", 0, readSync(file, text, 0, text.length, start));
  } finally {
    closeSync(file);
  }
}
