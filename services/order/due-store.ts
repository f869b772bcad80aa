import type { Query } from "#mesh";
import type { OrderRow } from "./orders-store.ts";

/** Orders of which something is due now, for this caller until `leasedUntil`; what another has locked, it takes. */
export async function claimDue(
  query: Query,
  { now, leasedUntil, limit }: { now: Date; leasedUntil: Date; limit: number },
): Promise<OrderRow[]> {
  return query<OrderRow[]>`
    update orders set next_try_at = ${leasedUntil}, tries = tries + 1
    where id in (
      select id from orders where next_try_at <= ${now}
      order by next_try_at limit ${limit} for no key update skip locked)
    returning *`;
}

/** The same for one order, unless somebody is at it. */
export async function claimOne(
  query: Query,
  { id, now, leasedUntil }: { id: string; now: Date; leasedUntil: Date },
): Promise<OrderRow | undefined> {
  const [row] = await query<OrderRow[]>`
    update orders set next_try_at = ${leasedUntil}, tries = tries + 1
    where id = ${id} and next_try_at <= ${now}
    returning *`;
  return row;
}

/** Puts off what was tried in vain, unless something else has become due meanwhile. */
export async function postpone(
  query: Query,
  { id, round }: Pick<OrderRow, "id" | "round">,
  { at, failingSince }: { at: Date; failingSince: Date | null },
): Promise<void> {
  await query`
    update orders set next_try_at = ${at},
      failing_since = ${failingSince === null ? null : query`coalesce(failing_since, ${failingSince})`}
    where id = ${id} and round = ${round} and next_try_at is not null`;
}

/** Orders whose time to be held or paid is over, locked. */
export async function lockLate(query: Query, now: Date, limit: number): Promise<{ id: string }[]> {
  return query<{ id: string }[]>`
    select id from orders where status in ('pending', 'awaiting_payment') and pay_by <= ${now}
    order by pay_by limit ${limit} for no key update skip locked`;
}

/** How many wait for a step that keeps failing, or that nobody takes, since before then. */
export async function countOverdue(query: Query, since: Date): Promise<number> {
  const [row] = await query<{ count: number }[]>`
    select count(*)::int as count from orders
    where next_try_at is not null and (failing_since <= ${since} or next_try_at <= ${since})`;
  return row?.count ?? 0;
}
