import type { Query } from "#mesh";
import { everybody } from "./rollup-lines.ts";

export interface SumRow {
  readonly metric: string;
  readonly currency: string;
  /** The point that it is of, from 1; 0 is the time before the first. */
  readonly at: number;
  readonly count: bigint;
  readonly sum: number;
  readonly minorUnits: bigint;
}

export interface SumFilter {
  readonly ownerId: string;
  readonly subjectType: string;
  readonly subjectId: string;
  /** Nothing: all of them. */
  readonly metrics: readonly string[] | undefined;
  readonly before: Date;
  /** When each point begins. */
  readonly starts: readonly Date[];
  readonly until: Date;
  /** No more rows are read. */
  readonly limit: number;
}

export async function sumsOf(query: Query, filter: SumFilter): Promise<SumRow[]> {
  const { ownerId, subjectType, subjectId, metrics, before, starts, until, limit } = filter;
  const bounds = starts.map((it) => it.toISOString());
  return query<SumRow[]>`
    select metric, currency, width_bucket(bucket, ${bounds}::timestamptz[]) as at, sum(count)::bigint as count,
      coalesce(sum(sum) filter (where currency = ''), 0)::float8 as sum,
      coalesce(sum(sum) filter (where currency <> ''), 0)::bigint as minor_units
    from rollups
    where owner_id = ${ownerId} and subject_type = ${subjectType} and subject_id = ${subjectId}
      and bucket >= ${before} and bucket < ${until}
      ${metrics ? query`and metric = any(${[...metrics]}::text[])` : query``}
    group by 1, 2, 3
    order by 1, 2, 3
    limit ${limit}`;
}

/** How much happened from each of these times to the next. */
export async function countsBetween(
  query: Query,
  ownerId: string,
  starts: readonly Date[],
  until: Date,
): Promise<{ at: number; count: bigint }[]> {
  const [from = until] = starts;
  return query<{ at: number; count: bigint }[]>`
    select width_bucket(bucket, ${starts.map((it) => it.toISOString())}::timestamptz[]) as at,
      sum(count)::bigint as count
    from rollups
    where owner_id = ${ownerId} and subject_type = '' and subject_id = ''
      and bucket >= ${from} and bucket < ${until}
    group by 1`;
}

export interface TrendFilter {
  readonly ownerId: string;
  readonly subjectType: string;
  /** Pattern of `like`. */
  readonly metric: string;
  /** What is told apart: the subjects, or the metrics. */
  readonly by: "subject" | "metric";
  readonly before: Date;
  readonly from: Date;
  readonly until: Date;
  readonly limit: number;
}

export interface TrendRow {
  readonly key: string;
  readonly count: bigint;
  readonly countBefore: bigint;
  readonly score: number;
}

/**
 * What rises, first what is least likely to be chance: counts scatter by their
 * square root, and the one more is for what was never there.
 */
export async function trendsOf(query: Query, filter: TrendFilter): Promise<TrendRow[]> {
  const { ownerId, subjectType, metric, by, before, from, until, limit } = filter;
  return query<TrendRow[]>`
    select key, now_count as count, before_count as count_before,
      ((now_count - before_count) / sqrt(before_count + 1))::float8 as score
    from (
      select ${by === "subject" ? query`subject_id` : query`metric`} as key,
        coalesce(sum(count) filter (where bucket >= ${from}), 0)::bigint as now_count,
        coalesce(sum(count) filter (where bucket < ${from}), 0)::bigint as before_count
      from rollups
      where owner_id = ${ownerId} and subject_type = ${subjectType}
        and bucket >= ${before} and bucket < ${until} and metric like ${metric}
      group by 1) counted
    where now_count > before_count
    order by score desc, key
    limit ${limit}`;
}

/** How many users did something with a subject. */
export async function peopleOf(
  query: Query,
  it: { subjectType: string; subjectId: string; ownerId: string; from: Date; until: Date },
): Promise<bigint> {
  const [row] = await query<{ people: bigint }[]>`
    select count(distinct user_id) as people from facts
    where subject_type = ${it.subjectType} and subject_id = ${it.subjectId}
      and occurred_at >= ${it.from} and occurred_at < ${it.until}
      ${it.ownerId === everybody ? query`` : query`and owner_id = ${it.ownerId}`}`;
  return row?.people ?? 0n;
}
