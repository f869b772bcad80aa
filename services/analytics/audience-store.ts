import type { Query } from "#mesh";
import { paidMetric } from "./facts/order.ts";
import { everybody } from "./rollup-lines.ts";

export interface AudienceRow {
  readonly active: bigint;
  readonly new: bigint;
  readonly returning: bigint;
  readonly buyers: bigint;
  readonly repeatBuyers: bigint;
}

const dayMs = 24 * 60 * 60_000;
const midnightBefore = (ms: number) => Math.floor(ms / dayMs) * dayMs;

/**
 * Who did something from one time to another. Whole days of UTC are known by
 * user; of what stands over at both ends the facts are asked.
 */
export async function audienceOf(
  query: Query,
  ownerId: string,
  fromMs: number,
  untilMs: number,
): Promise<AudienceRow> {
  const firstDay = midnightBefore(fromMs + dayMs - 1);
  const lastDay = Math.max(firstDay, midnightBefore(untilMs));
  const [from, until] = [new Date(fromMs), new Date(untilMs)];
  const edges = [
    [from, new Date(Math.min(firstDay, untilMs))],
    [new Date(Math.min(lastDay, untilMs)), until],
  ] as const;
  const edge = ([start, end]: (typeof edges)[number]) => query`
    select user_id, (metric = ${paidMetric})::int::bigint as buys from facts
    where occurred_at >= ${start} and occurred_at < ${end} and user_id is not null
      ${ownerId === everybody ? query`` : query`and owner_id = ${ownerId}`}`;
  const [row] = await query<AudienceRow[]>`
    with there as (
      select user_id, sum(buys) as buys from (
        select user_id, buys from active
        where owner_id = ${ownerId} and day >= ${new Date(firstDay)} and day < ${new Date(lastDay)}
        union all ${edge(edges[0])}
        union all ${edge(edges[1])}) parts
      group by user_id)
    select count(*) as active,
      count(*) filter (where s.first_at >= ${from}) as new,
      count(*) filter (where s.first_at < ${from}) as returning,
      count(*) filter (where there.buys > 0) as buyers,
      count(*) filter (where there.buys > 1) as repeat_buyers
    from there left join seen s on s.user_id = there.user_id and s.owner_id = ${ownerId}`;
  return row ?? { active: 0n, new: 0n, returning: 0n, buyers: 0n, repeatBuyers: 0n };
}
