import { setTimeout as sleep } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { NotificationArrivedSchema } from "#gen/notification/v1/events_pb.js";
import type { StreamNotificationsResponseSchema } from "#gen/notification/v1/notification_pb.js";
import type { Call, Database, Live, Logger } from "#mesh";
import { lastSeqOf } from "./inboxes-store.ts";
import { listAfter } from "./notifications-store.ts";
import { toNotification } from "./present.ts";
import { badLastEvent } from "./refusals.ts";

export type Stream = (
  userId: string,
  lastEventId: string,
  call: Pick<Call, "signal">,
) => AsyncIterable<MessageInitShape<typeof StreamNotificationsResponseSchema>>;

export interface StreamOptions {
  db: Database;
  live: Live;
  /** Longest time between two looks at the database, whatever was told. */
  paceMs: number;
  log: Logger;
}

const batch = 100;

/**
 * What is told live says only that there is something; the database says what,
 * in the order of its numbers. So nothing is lost when the broker forgets to
 * tell, and nothing comes twice when it tells twice.
 */
export const createStream = ({ db, live, paceMs, log }: StreamOptions): Stream =>
  async function* (userId, lastEventId, { signal }) {
    if (lastEventId !== "" && !/^\d{1,18}$/.test(lastEventId)) throw badLastEvent();
    const ended = new AbortController();
    const ends = AbortSignal.any([signal, ended.signal]);
    const bell = createBell();
    const listening = listen(ends, bell.ring);
    try {
      let seq = lastEventId === "" ? await lastSeqOf(db.sql, userId) : BigInt(lastEventId);
      while (!signal.aborted) {
        const rung = bell.next();
        const rows = await listAfter(db.sql, userId, seq, batch);
        for (const row of rows) {
          yield { eventId: row.seq.toString(), notification: toNotification(row) };
          seq = row.seq;
        }
        if (rows.length < batch) await waitFor(rung, ends);
      }
    } finally {
      ended.abort();
      await listening;
    }

    async function listen(until: AbortSignal, ring: () => void) {
      try {
        for await (const _ of live.listen(NotificationArrivedSchema, { key: userId, signal: until })) ring();
      } catch (err) {
        log.warn({ err }, "a list cannot be followed live; it is looked at now and then");
      }
    }

    async function waitFor(rung: Promise<void>, until: AbortSignal) {
      const timer = new AbortController();
      const pause = sleep(paceMs, undefined, {
        signal: AbortSignal.any([timer.signal, until]),
        ref: false,
      }).catch(() => {});
      await Promise.race([rung, pause]);
      timer.abort();
    }
  };

/** What rings between two looks is heard at the second. */
function createBell() {
  let waiting = Promise.withResolvers<void>();
  return {
    ring: () => waiting.resolve(),
    next: () => {
      waiting = Promise.withResolvers();
      return waiting.promise;
    },
  };
}
