import type { Query } from "#mesh";
import type { BroadcastRow } from "./broadcasts-store.ts";
import { lockBroadcast } from "./broadcasts-store.ts";

/** Those to begin or to gather on with, for this caller until `leasedUntil`. */
export async function claimGathering(
  query: Query,
  { now, leasedUntil, limit }: { now: Date; leasedUntil: Date; limit: number },
): Promise<string[]> {
  const rows = await query<{ id: string }[]>`
    update broadcasts set next_at = ${leasedUntil}
    where id in (
      select id from broadcasts where status in ('scheduled', 'gathering') and next_at <= ${now}
      order by next_at limit ${limit} for no key update skip locked)
    returning id`;
  return rows.map(({ id }) => id);
}

/** The one that may send next, locked; what another has locked, it takes. */
export async function lockSending(query: Query, now: Date): Promise<BroadcastRow | undefined> {
  const [row] = await query<{ id: string }[]>`
    select id from broadcasts where status = 'sending' and waiting > 0 and next_at <= ${now}
    order by next_at limit 1 for no key update skip locked`;
  return row && lockBroadcast(query, row.id);
}

/** When the next one may send; nothing when there is none. */
export async function nextSending(query: Query): Promise<Date | undefined> {
  const [row] = await query<{ at: Date | null }[]>`
    select min(next_at) as at from broadcasts where status = 'sending' and waiting > 0`;
  return row?.at ?? undefined;
}

/**
 * Puts off what was tried in vain, unless it has become something else
 * meanwhile; one that was moved to later, until then.
 */
export async function postpone(
  query: Query,
  { id, status, tries }: Pick<BroadcastRow, "id" | "status" | "tries">,
  { at, failingSince }: { at: Date; failingSince: Date },
): Promise<void> {
  await query`
    update broadcasts set tries = ${tries + 1},
      next_at = greatest(${at}, case when status = 'scheduled' then send_at end),
      failing_since = coalesce(failing_since, ${failingSince})
    where id = ${id} and status = ${status}`;
}

/** How many should go on and do not, since before then. */
export async function countStuck(query: Query, since: Date): Promise<number> {
  const [row] = await query<{ count: number }[]>`
    select count(*)::int as count from broadcasts
    where status in ('scheduled', 'gathering', 'sending')
      and (failing_since <= ${since} or (next_at <= ${since} and (status <> 'sending' or waiting > 0)))`;
  return row?.count ?? 0;
}

export interface UnderWay {
  readonly status: string;
  readonly count: number;
  readonly oldestDue: Date | null;
}

export async function underWayNow(query: Query): Promise<UnderWay[]> {
  return query<UnderWay[]>`
    select status, count(*)::int as count, min(next_at) filter (where status <> 'sending' or waiting > 0) as oldest_due
    from broadcasts where status in ('scheduled', 'gathering', 'sending') group by status`;
}
