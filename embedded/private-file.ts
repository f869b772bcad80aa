import {
  accessSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { fromSystem } from "./errors.ts";

/** Writes a file that only its owner can read, whole or not at all. */
export function writePrivate(path: string, text: string): void {
  const draft = `${path}.${process.pid}.tmp`;
  try {
    const file = openSync(draft, "w", 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    giveToOwnerOf(dirname(path), draft);
    renameSync(draft, path);
  } catch (error) {
    throw fromSystem(error, path);
  }
}

/** Like `mkdir -p`, but what `sudo weft up` makes in a user's checkout stays that user's. */
export function makeFolder(path: string, mode = 0o755): void {
  try {
    if (existsSync(path)) {
      accessSync(path, constants.W_OK | constants.X_OK);
      return;
    }
    if (!existsSync(dirname(path))) makeFolder(dirname(path));
    mkdirSync(path, { recursive: true, mode });
    giveToOwnerOf(dirname(path), path);
  } catch (error) {
    throw fromSystem(error, path);
  }
}

/** What root makes in a folder of another user is made over to that user. */
export function giveToOwnerOf(folder: string, path: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(folder);
  if (uid !== 0) chownSync(path, uid, gid);
}
