import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "./log/logger.ts";

export interface WaitOptions {
  waitMs: number;
  log: Logger;
  /** Errors that time does not mend. */
  giveUp?: (error: unknown) => boolean;
}

/** Tries until it works, telling now and then that it waits; throws the last error when time is up. */
export async function waitFor<T>(what: string, options: WaitOptions, attempt: () => Promise<T>): Promise<T> {
  const { waitMs, log, giveUp = () => false } = options;
  const started = performance.now();
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      const waited = performance.now() - started;
      if (giveUp(error) || waited >= waitMs) throw error;
      if (tries % 10 === 1)
        log.warn({ err: error }, `waiting for ${what}, ${Math.round(waited / 1000)} s so far`);
      await sleep(Math.min(100 * tries, 1000));
    }
  }
}
