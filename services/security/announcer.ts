import type { KV } from "@nats-io/kv";
import type { Database, Logger, Loop, Nats } from "#mesh";
import { openStandingBucket, startLoop } from "#mesh";
import { onConnection } from "#mesh/nats/on-connection.ts";
import type { AnnouncementRow } from "./announcements-store.ts";
import { announceAgain, markAnnounced, oldestPending, pendingAnnouncements } from "./announcements-store.ts";

export interface AnnouncerOptions {
  db: Database;
  nats: Nats;
  /** Signs an entry: whoever reaches the broker could write one. */
  sign: (row: AnnouncementRow) => Promise<string>;
  log: Logger;
  stopping: AbortSignal;
  now: () => number;
}

export interface Announcer extends Loop {
  /** Throws while announcements are late. */
  check(): Promise<void>;
}

/** One left behind by an instance that died is told this late at most. */
const pollMs = 1000;
const batch = 200;
/** In force everywhere within a second, plus patience for a broker that restarts. */
const lateMs = 10_000;

/**
 * Puts what has changed into the bucket that every process watches. A broker
 * that is away delays this; it is made up for when it is back. After a
 * reconnect, and at the start, all that still matters is told again: a broker
 * may come back without what it held.
 */
export function createAnnouncer({ db, nats, sign, log, stopping, now }: AnnouncerOptions): Announcer {
  let bucket: KV | undefined;
  let again = true;

  const tellPending = async () => {
    if (!nats.connected()) return;
    bucket ??= await openStandingBucket(nats);
    const standing = bucket;
    if (again) {
      again = false;
      await announceAgain(db.sql, new Date(now()));
    }
    for (;;) {
      const news = await pendingAnnouncements(db.sql, batch, new Date(now()));
      if (news.length === 0) return;
      await Promise.all(news.map(async (row) => standing.put(row.key, await sign(row))));
      await markAnnounced(db.sql, news);
      if (stopping.aborted) return;
    }
  };

  const loop = startLoop({
    everyMs: pollMs,
    stopping,
    work: tellPending,
    failed: (error) => {
      bucket = undefined;
      again = true;
      log.warn({ err: error }, "ended sessions and changed roles cannot be announced now; tried again soon");
    },
  });
  const forgetConnection = onConnection(nats, {
    back: () => {
      bucket = undefined;
      again = true;
      loop.wake();
    },
  });
  void loop.ended.then(forgetConnection);

  return {
    ...loop,
    async check() {
      const since = await oldestPending(db.sql, new Date(now()));
      const late = since ? now() - since.getTime() : 0;
      if (late > lateMs) {
        throw new Error(`an ended session or changed role is unannounced for ${Math.round(late / 1000)} s`);
      }
    },
  };
}
