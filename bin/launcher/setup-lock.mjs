import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileFault } from "./fault.mjs";

/** Runs `work` while no other launcher sets up this checkout. The lock of a dead one is taken over. */
export async function withLock(root, work) {
  const path = join(root, ".weft", "setup.lock");
  const draft = `${path}.${process.pid}`;
  const holders = [markOf(process.pid)];
  const write = () => writeFileSync(draft, JSON.stringify(holders));
  try {
    mkdirSync(join(root, ".weft"), { recursive: true });
    write();
    await acquire(path, draft);
  } catch (error) {
    throw fileFault(error, path);
  } finally {
    rmSync(draft, { force: true });
  }
  const lock = {
    /** Names a helper that must have ended too before another may begin. */
    alsoHeldBy(pid) {
      holders.push(markOf(pid));
      write();
      renameSync(draft, path);
    },
  };
  try {
    return await work(lock);
  } finally {
    rmSync(path, { force: true });
  }
}

async function acquire(path, draft, tell = tellHolder) {
  for (let told = false; ; ) {
    // A link appears with its whole content or not at all.
    if (tryLink(draft, path)) return;
    const holder = livingIn(read(path));
    if (!holder) {
      await removeStale(path, draft);
      continue;
    }
    if (!told) tell(holder);
    told = true;
    await sleep(200);
  }
}

function tellHolder({ pid }) {
  console.error(`weft: another start (pid ${pid}) is setting up this checkout; waiting for it`);
}

function tryLink(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Two starters may see the same stale lock, and the slower one must not remove
 * the lock that the faster one has put in its place. So they take turns, by a
 * lock of the same kind, and look again.
 */
async function removeStale(path, draft) {
  const turn = `${path}.turn`;
  await acquire(turn, draft, () => {});
  // Where there is no lock, one may appear at any moment, and that is not ours to remove.
  const seen = read(path);
  if (seen !== undefined && !livingIn(seen)) rmSync(path, { force: true });
  rmSync(turn, { force: true });
}

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** The first living one of those a lock names. */
function livingIn(text) {
  try {
    return JSON.parse(text ?? "[]").find(({ pid, started }) => markOf(pid).started === started);
  } catch {
    return undefined;
  }
}

/** A pid with its start time, for pids are used again; where there is no /proc, the pid alone must do. */
function markOf(pid) {
  return { pid, started: process.platform === "linux" ? startedByProc(pid) : exists(pid) };
}

function startedByProc(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? "gone" : rest[18];
  } catch {
    return "gone";
  }
}

function exists(pid) {
  try {
    process.kill(pid, 0);
    return "yes";
  } catch (error) {
    return error.code === "EPERM" ? "yes" : "gone";
  }
}
