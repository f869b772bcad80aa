import type { Database, Logger, Metrics } from "#mesh";
import { startLoop } from "#mesh";
import { dropOldPlaces } from "./accounts-store.ts";
import { countClosures, sweepClosures } from "./closures.ts";
import type { Security } from "./security.ts";
import { failuresKeptMs, placeKnownMs } from "./throttle-policies.ts";
import { dropOldFailures } from "./throttle-store.ts";

export interface HousekeepingOptions {
  db: Database;
  security: Security;
  log: Logger;
  metrics: Metrics;
  now: () => number;
  stopping: AbortSignal;
  everyMs: number;
}

/** What is done beside the calls: at the start, and every so often. */
export function keepHouse(options: HousekeepingOptions): Promise<void> {
  const { db, security, log, metrics, now, stopping, everyMs } = options;
  const unfinished = metrics.gauge({
    name: "user_closures_unfinished",
    help: "Users whose sessions security has yet to end, after a deletion or a change of password.",
  });
  const loop = startLoop({
    everyMs,
    stopping,
    work: async () => {
      await sweepClosures(db, security, log, stopping);
      unfinished.set(await countClosures(db.sql));
      await dropOldFailures(db.sql, now() - failuresKeptMs);
      await dropOldPlaces(db.sql, new Date(now() - placeKnownMs));
    },
    failed: (err) => log.error({ err }, "housekeeping failed; tried again soon"),
  });
  return loop.ended;
}
