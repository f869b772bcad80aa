import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { TrackedEvent } from "#gen/analytics/v1/analytics_pb.js";
import type { Database, Query, Turn } from "#mesh";
import { canonicalId, cleanText, lockNamed } from "#mesh";
import type { Fact } from "./facts/fact.ts";
import { idOf, subjectIdOf } from "./facts/fact.ts";
import { trackedPrefix } from "./facts/names.ts";
import { knownIds } from "./facts-store.ts";
import { lockFigures } from "./figures-lock.ts";
import type { Ingest } from "./ingest.ts";
import type { Quota } from "./quota.ts";
import { badEventTime, halfSubject } from "./refusals.ts";

export interface TrackingOptions {
  db: Database;
  ingest: Ingest;
  quota: Quota;
  turn: Turn;
  now: () => number;
}

export interface Tracking {
  /** Counts what a user says to have done, within what one user may. */
  ofUser(userId: string, events: readonly TrackedEvent[]): Promise<{ counted: number; known: number }>;
  /** Counts what a service says. */
  ofService(fact: Fact): Promise<boolean>;
}

const minuteMs = 60_000;
const oldestMs = 30 * 24 * 60 * minuteMs;
const mostAheadMs = 5 * minuteMs;

/** Facts are counted one transaction after another, so those of this process wait before they begin one. */
export function createTracking({ db, ingest, quota, turn, now }: TrackingOptions): Tracking {
  /** One without a time has another one when it is sent again, so its id alone tells. */
  const known = (query: Query, facts: readonly Fact[]) =>
    knownIds(
      query,
      facts.map(({ id }) => id),
      new Date(now() - oldestMs - mostAheadMs),
    );

  return {
    async ofUser(userId, events) {
      const nowMs = now();
      const facts = events.map((event, at) => ({
        ...factOf(event, `user:${userId}`, nowMs, `events[${at}].`),
        userId,
      }));
      const count = async (tx: Query) => {
        await lockNamed(tx, `user:${userId}`);
        const before = await known(tx, facts);
        const fresh = [...new Map(facts.map((it) => [it.id, it])).values()].filter(
          ({ id }) => !before.has(id),
        );
        await quota.take(tx, userId, fresh);
        await lockFigures(tx);
        return ingest(tx, fresh);
      };
      const counted = await turn(() => db.transaction(count));
      return { counted, known: facts.length - counted };
    },

    ofService(fact) {
      const count = async (tx: Query) => {
        await lockNamed(tx, `fact:${fact.id}`);
        if ((await known(tx, [fact])).has(fact.id)) return false;
        await lockFigures(tx);
        return (await ingest(tx, [fact])) > 0;
      };
      return turn(() => db.transaction(count));
    },
  };
}

/** When it happened: now, or at a time that is not out of reach. */
export function timeOf(said: TrackedEvent["occurredAt"], nowMs: number, field: string): Date {
  if (!said) return new Date(nowMs);
  const ms = timestampMs(said);
  if (ms >= nowMs - oldestMs && ms <= nowMs + mostAheadMs) return new Date(Math.trunc(ms));
  throw badEventTime(field);
}

/** The same id of another sender is another event. */
export function factOf(event: TrackedEvent, sender: string, nowMs: number, at: string): Fact {
  const { name, subjectType, subjectId, value, tags, properties } = event;
  if ((subjectType === "") !== (subjectId === "")) throw halfSubject(`${at}subject_id`);
  return {
    id: idOf(sender, canonicalId(event.id)),
    occurredAt: timeOf(event.occurredAt, nowMs, `${at}occurred_at`),
    metric: `${trackedPrefix}${name}`,
    userId: null,
    ownerId: null,
    subjectType,
    subjectId: subjectIdOf(subjectId),
    currency: "",
    amount: null,
    value,
    tags: [...new Set(tags.map((tag) => cleanText(tag).toLowerCase()))],
    properties: Object.fromEntries(Object.entries(properties).map(([key, text]) => [key, cleanText(text)])),
  };
}
