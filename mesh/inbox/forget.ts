import type { Database } from "../db/database.ts";
import type { Logger } from "../log/logger.ts";
import type { Loop } from "../loop.ts";
import { startLoop } from "../loop.ts";
import { dropFailures } from "./failures-store.ts";
import { dropHandled } from "./inbox-store.ts";

const dayMs = 24 * 60 * 60_000;
const everyMs = 10 * 60_000;
const batch = 5000;
/** What was handled is remembered for this much longer than a stream keeps it. */
const spareMs = 2 * dayMs;
/** A job may be retried for longer than streams keep events: as long as the queue keeps it, and its attempts took. */
const jobSpareMs = 45 * dayMs;
/** The longest that the queue may keep jobs, so that one that is retried is still remembered. */
export const jobsKeptAtMost = "40d";

export interface ForgettingOptions {
  readonly db: Database;
  /** How long streams keep events. */
  readonly maxAgeMs: number;
  readonly log: Logger;
  readonly now: () => number;
  readonly stopping: AbortSignal;
}

/** Forgets, now and then, what was handled so long ago that nothing can bring it again. */
export function startForgetting({ db, maxAgeMs, log, now, stopping }: ForgettingOptions): Loop {
  return startLoop({
    everyMs,
    stopping,
    work: async () => {
      const nowMs = now();
      const before = {
        events: new Date(nowMs - maxAgeMs - spareMs),
        jobs: new Date(nowMs - maxAgeMs - jobSpareMs),
      };
      while ((await dropHandled(db.sql, before, batch)) === batch && !stopping.aborted);
      await dropFailures(db.sql, before.events);
    },
    failed: (err) => log.debug({ err }, "cannot forget now what was handled long ago"),
  });
}
