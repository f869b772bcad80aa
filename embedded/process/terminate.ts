import { setTimeout as sleep } from "node:timers/promises";
import type { StopStep } from "../supervisor.ts";
import type { ProcessMark } from "./identity.ts";
import { isAlive } from "./identity.ts";

/** Stops a process that is not our child. True when it is gone. */
export async function terminate(mark: ProcessMark, steps: readonly StopStep[]): Promise<boolean> {
  for (const { signal, waitMs } of steps) {
    // Asked again before each signal: the pid may by now be another's.
    if (!isAlive(mark)) return true;
    process.kill(mark.pid, signal);
    const until = performance.now() + waitMs;
    while (isAlive(mark) && performance.now() < until) await sleep(20);
  }
  return !isAlive(mark);
}
