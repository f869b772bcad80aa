import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** A pid with the time its process began, for pids are used again. */
export interface ProcessMark {
  pid: number;
  started: string;
}

/** Undefined when no such process lives; a zombie does not. */
export function markOf(pid: number): ProcessMark | undefined {
  const started = process.platform === "linux" ? startedByProc(pid) : startedByPs(pid);
  return started === undefined ? undefined : { pid, started };
}

export function isAlive({ pid, started }: ProcessMark): boolean {
  return markOf(pid)?.started === started;
}

/** The arguments joined by spaces; "" when there is no such process. */
export function commandLine(pid: number): string {
  try {
    if (process.platform === "linux")
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    return ps(pid, "command=");
  } catch {
    return "";
  }
}

function startedByProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in parentheses, may itself hold spaces and parentheses.
    const [state = "Z", ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // proc(5): field 22 counts clock ticks since boot, so the boot belongs to it.
    return state === "Z" || state === "X" ? undefined : `${bootId()}:${rest[18]}`;
  } catch {
    return undefined;
  }
}

function startedByPs(pid: number): string | undefined {
  try {
    const [state = "Z", ...started] = ps(pid, "stat=,lstart=").trim().split(/\s+/);
    return state.startsWith("Z") ? undefined : started.join(" ");
  } catch {
    return undefined;
  }
}

function ps(pid: number, columns: string): string {
  const env = { ...process.env, LC_ALL: "C" };
  return execFileSync("ps", ["-o", columns, "-p", String(pid)], {
    encoding: "utf8",
    env,
    stdio: ["ignore", "pipe", "ignore"],
  });
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
