import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../errors.ts";
import type { ProcessMark } from "../process/identity.ts";
import { commandLine, markOf } from "../process/identity.ts";

/** What a running PostgreSQL says of itself in its folder. */
export interface Postmaster {
  pid: number;
  ready: boolean;
}

export function readPostmaster(cluster: string): Postmaster | undefined {
  try {
    const lines = readFileSync(join(cluster, "postmaster.pid"), "utf8").split("\n");
    const pid = Number(lines[0]);
    // Line 8 is "starting", "ready   ", "stopping" or "standby ".
    return Number.isInteger(pid) && pid > 0 ? { pid, ready: lines[7]?.trim() === "ready" } : undefined;
  } catch {
    return undefined;
  }
}

/** The server that already runs on this folder. */
export function findPostmaster(cluster: string): ProcessMark | undefined {
  const postmaster = readPostmaster(cluster);
  const mark = postmaster && markOf(postmaster.pid);
  if (!mark) return undefined;
  const command = commandLine(mark.pid);
  return command.includes("postgres") && command.includes(cluster) ? mark : undefined;
}

/**
 * Removes a postmaster.pid whose pid is now a foreign process, or a zombie that
 * a container's first process does not collect: PostgreSQL takes either for a
 * running server. When the pid is free the file stays, for PostgreSQL reads
 * from it which shared memory to check for users.
 */
export function dropStalePostmaster(cluster: string): void {
  const postmaster = readPostmaster(cluster);
  if (!postmaster || findPostmaster(cluster) || !exists(postmaster.pid)) return;
  rmSync(join(cluster, "postmaster.pid"), { force: true });
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errnoOf(error) === "EPERM";
  }
}
