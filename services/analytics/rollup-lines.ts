import type { PendingQuery, Row } from "postgres";
import type { Query } from "#mesh";
import { paidMetric } from "./facts/order.ts";

/** Owner of the figures of all. */
export const everybody = "00000000-0000-0000-0000-000000000000";
/** Under it stand tags; no subject can be of such a type. */
export const tagType = "#";

export const quarterMs = 15 * 60_000;

type Fragment = PendingQuery<Row[]>;

/** What facts make of sums: the same for those that come and those that are there. */
export const rollupLines = (query: Query, facts: Fragment): Fragment => query`
  select date_bin('15 minutes', f.occurred_at, '2000-01-01Z') as bucket, o.owner_id, k.subject_type, k.subject_id,
    f.metric, f.currency, count(*) as count, sum(coalesce(f.amount::numeric, f.value::numeric, 0)) as sum
  from ${facts} f
  cross join lateral (select ${everybody}::uuid union select f.owner_id where f.owner_id is not null) o (owner_id)
  cross join lateral (
    select '', ''
    union all select f.subject_type, f.subject_id where f.subject_type <> ''
    union all select distinct ${tagType}::text, tag from unnest(f.tags) tag) k (subject_type, subject_id)
  group by 1, 2, 3, 4, 5, 6
  order by 2, 3, 4, 5, 6, 1`;

export const activeLines = (query: Query, facts: Fragment): Fragment => query`
  select date_bin('1 day', f.occurred_at, '2000-01-01Z') as day, o.owner_id, f.user_id,
    count(*) filter (where f.metric = ${paidMetric}) as buys, min(f.occurred_at) as first_at
  from ${facts} f
  cross join lateral (select ${everybody}::uuid union select f.owner_id where f.owner_id is not null) o (owner_id)
  where f.user_id is not null
  group by 1, 2, 3
  order by 2, 1, 3`;
