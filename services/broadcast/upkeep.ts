import type { Database, Logger, Loop } from "#mesh";
import { startLoop } from "#mesh";
import type { BroadcastMetrics } from "./broadcast-metrics.ts";
import { dropBroadcasts, lockBroadcast } from "./broadcasts-store.ts";
import { underWayNow } from "./due-store.ts";
import { dropOldNews } from "./news-store.ts";
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
/** Of recipients, whose rows are small. */
const dropBatch = 5000;
/** No answer is written that late. */
const keepNewsMs = 24 * 60 * 60_000;

/** Puts back those whom an instance had on their way when it died, drops what is long over, and shows how things stand. */
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
      while (!stopping.aborted && (await dropRecipients(db.sql, over, dropBatch)) === dropBatch);
      await dropBroadcasts(db.sql, over, batch);
      metrics.show(await underWayNow(db.sql), now());
    },
    failed: (err) => log.warn({ err }, "lost recipients of broadcasts could not be put back; tried again"),
  });
}
