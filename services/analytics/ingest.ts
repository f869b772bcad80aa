import type { Query } from "#mesh";
import { afterCommit } from "#mesh";
import type { AnalyticsMetrics } from "./analytics-metrics.ts";
import type { Fact } from "./facts/fact.ts";
import { groupOf } from "./facts/names.ts";
import { addFacts } from "./facts-store.ts";
import type { Partitions } from "./partitions.ts";

export interface IngestOptions {
  partitions: Partitions;
  metrics: AnalyticsMetrics;
  keepMs: number;
  now: () => number;
}

/** Counts what is new of these, in the transaction, which holds the figures; gives back how many. */
export type Ingest = (tx: Query, facts: readonly Fact[]) => Promise<number>;

export function createIngest({ partitions, metrics, keepMs, now }: IngestOptions): Ingest {
  return async (tx, facts) => {
    const nowMs = now();
    const oldest = nowMs - keepMs;
    // Older ones would be dropped with their month.
    const kept = facts.filter(({ occurredAt }) => occurredAt.getTime() >= oldest);
    const late = facts.length - kept.length;
    if (late > 0) afterCommit(tx, () => metrics.facts("too_old", "other", late));
    if (kept.length === 0) return 0;
    const times = kept.map(({ occurredAt }) => occurredAt);
    await partitions.ensure(tx, times);
    const added = await addFacts(tx, kept, new Date(nowMs));
    afterCommit(tx, () => {
      for (const metric of added) metrics.facts("counted", groupOf(metric), 1);
      if (added.length < kept.length) metrics.facts("known", "other", kept.length - added.length);
      metrics.behind(nowMs - Math.max(...times.map((it) => it.getTime())));
    });
    return added.length;
  };
}
