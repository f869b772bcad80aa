import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import type { ProcessMark } from "../process/identity.ts";
import { markOf } from "../process/identity.ts";
import { terminate } from "../process/terminate.ts";

/** SIGQUIT ends a backend at once without touching shared state. */
const steps = [
  { signal: "SIGQUIT", waitMs: 1000 },
  { signal: "SIGKILL", waitMs: 2000 },
] as const;

/**
 * Ends the backends that outlive a killed postmaster: while one is busy, a new
 * server refuses the folder. They have the folder as their working directory,
 * which no recycled pid shares by chance. Where there is no /proc, or it does not
 * let us look, the restarts wait until they have noticed by themselves.
 */
export async function endStragglers(cluster: string): Promise<void> {
  if (process.platform !== "linux") return;
  const folder = realpathSync(cluster);
  const found = readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => worksIn(entry, folder))
    .map((entry) => markOf(Number(entry)));
  await Promise.all(found.filter((mark) => mark !== undefined).map(end));
}

const end = (mark: ProcessMark) => terminate(mark, steps).catch(() => false);

function worksIn(pid: string, folder: string): boolean {
  try {
    return (
      readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "postgres" &&
      readlinkSync(`/proc/${pid}/cwd`) === folder
    );
  } catch {
    return false;
  }
}
