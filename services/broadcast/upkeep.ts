import type { Database, Logger, Loop } from "#mesh";
import { inBatches, startLoop } from "#mesh";
import type { BroadcastMetrics } from "./broadcast-metrics.ts";
import { dropBroadcasts, dropDrafts, lockBroadcast } from "./broadcasts-store.ts";
import { underWayNow } from "./due-store.ts";
import { dropOldNews } from "./news-store.ts";
import { dropPlaces } from "./reached-store.ts";
import { dropRecipients, releaseExpired, withExpired } from "./recipients-store.ts";
import type { Recorder } from "./record.ts";
import { counted } from "./record.ts";

export interface UpkeepOptions {
  db: Database;
  record: Recorder;
  metrics: BroadcastMetrics;
  everyMs: number;
  keepMs: number;
  log: Logger;
  now: () => number;
  stopping: AbortSignal;
}

const batch = 500;
/** Of broadcasts, each of which may name ten thousand users. */
const broadcastsBatch = 50;
/** Of rows that are small. */
const dropBatch = 5000;
/** No answer is written that late. */
const keepNewsMs = 24 * 60 * 60_000;

/** Puts back those whom an instance had on their way when it died, drops what is long over or deleted, and shows how things stand. */
export function startUpkeep(options: UpkeepOptions): Loop {
  const { db, record, metrics, everyMs, keepMs, log, now, stopping } = options;

  const putBack = (id: string) =>
    db.transaction(async (tx) => {
      const row = await lockBroadcast(tx, id);
      if (!row) return;
      const recipients = await releaseExpired(tx, id, new Date(now()));
      if (recipients > 0) counted(await record(tx, row, { kind: "lost", recipients }));
    });

  return startLoop({
    everyMs,
    stopping,
    work: async () => {
      for (const id of await withExpired(db.sql, new Date(now()), batch)) await putBack(id);
      await dropOldNews(db.sql, new Date(now() - keepNewsMs));
      const over = new Date(now() - keepMs);
      await inBatches(dropBatch, stopping, (limit) => dropRecipients(db.sql, over, limit));
      await inBatches(broadcastsBatch, stopping, (limit) => dropBroadcasts(db.sql, over, limit));
      await inBatches(broadcastsBatch, stopping, (limit) => dropDrafts(db.sql, over, limit));
      await inBatches(dropBatch, stopping, (limit) => dropPlaces(db.sql, new Date(now()), limit));
      metrics.show(await underWayNow(db.sql), now());
    },
    failed: (err) => log.warn({ err }, "lost recipients of broadcasts could not be put back; tried again"),
  });
}
