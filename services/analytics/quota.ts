import type { Query } from "#mesh";
import type { Fact } from "./facts/fact.ts";
import type { KeyKind } from "./quota-store.ts";
import { countKeys, noteKeys, takeOfMinute } from "./quota-store.ts";
import { tooManyEvents, tooManyKeys } from "./refusals.ts";

export interface Quota {
  /** Throws when a user has tracked too much. Whoever asks holds the lock of the user. */
  take(tx: Query, userId: string, facts: readonly Fact[]): Promise<void>;
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** Each has sums of its own, so one user must not make any number of them. */
const mostADay: Readonly<Record<KeyKind, number>> = { name: 200, subject: 5000, tag: 2000 };

export function createQuota(perMinute: number, now: () => number): Quota {
  return {
    async take(tx, userId, facts) {
      if (facts.length === 0) return;
      const nowMs = now();
      const minute = Math.floor(nowMs / minuteMs) * minuteMs;
      const taken = await takeOfMinute(tx, userId, new Date(minute), facts.length);
      if (taken > perMinute) throw tooManyEvents(perMinute, minute + minuteMs - nowMs);
      const day = new Date(Math.floor(nowMs / dayMs) * dayMs);
      const keys = keysOf(facts);
      if ((await noteKeys(tx, userId, day, keys)) === 0) return;
      for (const { kind, count } of await countKeys(tx, userId, day)) {
        if (count > mostADay[kind]) throw tooManyKeys(kind);
      }
    },
  };
}

function keysOf(facts: readonly Fact[]): { kind: KeyKind; key: string }[] {
  return facts.flatMap(({ metric, subjectType, subjectId, tags }) => [
    { kind: "name" as const, key: metric },
    ...(subjectType === "" ? [] : [{ kind: "subject" as const, key: `${subjectType}/${subjectId}` }]),
    ...tags.map((tag) => ({ kind: "tag" as const, key: tag })),
  ]);
}
