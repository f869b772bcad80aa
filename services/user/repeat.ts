import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "#mesh";

export interface RepeatOptions {
  everyMs: number;
  stopping: AbortSignal;
  log: Logger;
}

/** Does the work now and again and again until the service stops; resolves when the last round has ended. */
export async function repeat(what: string, options: RepeatOptions, work: () => Promise<void>): Promise<void> {
  const { everyMs, stopping, log } = options;
  while (!stopping.aborted) {
    try {
      await work();
    } catch (error) {
      log.error({ err: error }, `${what} failed; tried again in ${everyMs / 1000} s`);
    }
    // Rejects only when the service stops, which the loop sees.
    await sleep(everyMs, undefined, { signal: stopping, ref: false }).catch(() => {});
  }
}
