import type { Database, Logger } from "#mesh";
import { inBatches, startLoop } from "#mesh";
import { dropAdmins } from "./admins-store.ts";
import type { AnalyticsMetrics } from "./analytics-metrics.ts";
import type { Partitions } from "./partitions.ts";
import { dropKeys, dropMinutes } from "./quota-store.ts";
import { dropExpired, failAbandoned } from "./reports/reports-store.ts";

export interface UpkeepOptions {
  db: Database;
  partitions: Partitions;
  metrics: AnalyticsMetrics;
  everyMs: number;
  keepMs: number;
  reportKeepMs: number;
  log: Logger;
  now: () => number;
  stopping: AbortSignal;
}

const hourMs = 60 * 60_000;
const dayMs = 24 * hourMs;
/** An attempt that says nothing for longer than it may take in all is none any more. */
const silentMs = hourMs;
/** A job that nobody took by then is lost. */
const untakenMs = dayMs;
/** Quotas are of a minute and of a day of UTC. */
const quotasOverMs = 2 * dayMs;
/** Whoever still has thresholds was asked about since. */
const adminsOverMs = 30 * dayMs;
const dropBatch = 1000;
/** Files are large. */
const expiredBatch = 20;

/** Makes partitions ahead, fails reports that nobody writes, and drops what is over. */
export function startUpkeep(options: UpkeepOptions): { readonly ended: Promise<unknown> } {
  const { db, partitions, metrics, everyMs, keepMs, reportKeepMs, log, now, stopping } = options;

  const giveUpAbandoned = async (atMs: number) => {
    const abandoned = await failAbandoned(db.sql, {
      writingBefore: new Date(atMs - silentMs),
      waitingBefore: new Date(atMs - untakenMs),
      now: new Date(atMs),
      expiresAt: new Date(atMs + reportKeepMs),
    });
    for (const { kind } of abandoned) metrics.report(kind, "abandoned");
  };

  const every = (what: string, work: () => Promise<void>) =>
    startLoop({
      everyMs,
      stopping,
      work,
      failed: (err) => log.warn({ err }, `${what}; tried again later`),
    });

  const loops = [
    every("partitions could not be made or dropped", async () => {
      await partitions.prepare();
      await partitions.dropBefore(new Date(now() - keepMs));
    }),
    every("what is over could not be removed", async () => {
      const atMs = now();
      await giveUpAbandoned(atMs);
      await inBatches(expiredBatch, stopping, (limit) => dropExpired(db.sql, new Date(atMs), limit));
      const quotasOver = new Date(atMs - quotasOverMs);
      await inBatches(dropBatch, stopping, (limit) => dropMinutes(db.sql, quotasOver, limit));
      await inBatches(dropBatch, stopping, (limit) => dropKeys(db.sql, quotasOver, limit));
      await inBatches(dropBatch, stopping, (limit) =>
        dropAdmins(db.sql, new Date(atMs - adminsOverMs), limit),
      );
    }),
  ];
  return { ended: Promise.all(loops.map(({ ended }) => ended)) };
}
