import type { Query } from "#mesh";
import { everybody } from "./rollup-lines.ts";

export interface UserSum {
  readonly name: string;
  readonly currency: string;
  readonly count: bigint;
  readonly sum: number;
  readonly countBefore: bigint;
  readonly sumBefore: number;
}

/** What one user did, by kind. */
export async function sumsOfUser(
  query: Query,
  userId: string,
  { before, from, until }: { before: Date; from: Date; until: Date },
): Promise<UserSum[]> {
  return query<UserSum[]>`
    select metric as name, currency,
      count(*) filter (where occurred_at >= ${from}) as count,
      coalesce(sum(coalesce(amount::numeric, value::numeric)) filter (where occurred_at >= ${from}), 0)::float8 as sum,
      count(*) filter (where occurred_at < ${from}) as count_before,
      coalesce(sum(coalesce(amount::numeric, value::numeric)) filter (where occurred_at < ${from}), 0)::float8
        as sum_before
    from facts
    where user_id = ${userId} and occurred_at >= ${before} and occurred_at < ${until}
    group by 1, 2
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
