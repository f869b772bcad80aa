import type { Query } from "#mesh";
import type { Series } from "./figures.ts";
import { everybody } from "./rollup-lines.ts";

type UserSum = Omit<Series, "points">;

/** What one user did, by kind. */
export async function sumsOfUser(
  query: Query,
  userId: string,
  { before, from, until }: { before: Date; from: Date; until: Date },
): Promise<UserSum[]> {
  return query<UserSum[]>`
    select name, currency, count, count_before,
      case when currency = '' then sum else 0 end::float8 as sum,
      case when currency = '' then sum_before else 0 end::float8 as sum_before,
      case when currency = '' then 0 else sum end::bigint as minor_units,
      case when currency = '' then 0 else sum_before end::bigint as minor_units_before
    from (
      select metric as name, currency,
        count(*) filter (where occurred_at >= ${from}) as count,
        count(*) filter (where occurred_at < ${from}) as count_before,
        coalesce(sum(coalesce(amount::numeric, value::numeric)) filter (where occurred_at >= ${from}), 0) as sum,
        coalesce(sum(coalesce(amount::numeric, value::numeric)) filter (where occurred_at < ${from}), 0) as sum_before
      from facts
      where user_id = ${userId} and occurred_at >= ${before} and occurred_at < ${until}
      group by 1, 2) did
    order by 1, 2`;
}

export async function visitsOf(
  query: Query,
  userId: string,
): Promise<{ firstAt: Date | null; lastAt: Date | null }> {
  const [row] = await query<{ firstAt: Date | null; lastAt: Date | null }[]>`
    select (select first_at from seen where user_id = ${userId} and owner_id = ${everybody}) as first_at,
      (select max(occurred_at) from facts where user_id = ${userId}) as last_at`;
  return row ?? { firstAt: null, lastAt: null };
}
