import { readFileSync, rmSync } from "node:fs";
import { EmbeddedError } from "../errors.ts";
import { writePrivate } from "../private-file.ts";
import type { StopStep } from "../supervisor.ts";
import type { ProcessMark } from "./identity.ts";
import { commandLine, isAlive, markOf } from "./identity.ts";
import { terminate } from "./terminate.ts";

/** Notes which process runs on a data folder, for the start that follows our sudden death. */
export function recordRun(path: string, pid: number): void {
  const mark = markOf(pid);
  if (mark) writePrivate(path, JSON.stringify(mark));
}

export function clearRun(path: string): void {
  rmSync(path, { force: true });
}

/** The recorded process, if it still is the same one and its command line names `marker`. */
export function findOrphan(path: string, marker: string): ProcessMark | undefined {
  const mark = readMark(path);
  return mark && isAlive(mark) && commandLine(mark.pid).includes(marker) ? mark : undefined;
}

export async function stopOrphan(mark: ProcessMark, steps: readonly StopStep[]): Promise<void> {
  const gone = await terminate(mark, steps).catch(() => false);
  if (gone) return;
  throw new EmbeddedError("in_use", `a server of an earlier start (pid ${mark.pid}) cannot be stopped`, {
    remedy: `stop it with \`kill ${mark.pid}\` as the user who owns it`,
  });
}

export function readMark(path: string): ProcessMark | undefined {
  try {
    return parseMark(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

export function parseMark(text: string): ProcessMark | undefined {
  try {
    const mark: unknown = JSON.parse(text);
    if (typeof mark !== "object" || mark === null || !("pid" in mark) || !("started" in mark))
      return undefined;
    const { pid, started } = mark;
    return typeof pid === "number" && typeof started === "string" ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
}
