import type { Query } from "#mesh";
import { only } from "#mesh";

export interface OrderRow {
  readonly id: string;
  readonly closedAt: Date | null;
  readonly closeReason: string;
  readonly settledAt: Date | null;
}

/** The order's row, made if there is none, and held until the transaction ends. */
export async function lockOrder(tx: Query, id: string): Promise<OrderRow> {
  await tx`insert into orders (id) values (${id}) on conflict do nothing`;
  return only(
    await tx<OrderRow[]>`
      select id, closed_at, close_reason, settled_at from orders where id = ${id} for update`,
  );
}

export async function findOrder(query: Query, id: string): Promise<OrderRow | undefined> {
  const [row] = await query<OrderRow[]>`
    select id, closed_at, close_reason, settled_at from orders where id = ${id}`;
  return row;
}

export async function closeOrder(tx: Query, id: string, reason: string, now: Date): Promise<void> {
  await tx`
    update orders set closed_at = ${now}, close_reason = ${reason}
    where id = ${id} and closed_at is null`;
}

/** Nothing is owed any more; with an order that is closed, for good. */
export async function settleOrder(tx: Query, id: string, now: Date): Promise<void> {
  await tx`
    update orders set next_try_at = null, tries = 0, owed_since = null,
      settled_at = case when closed_at is not null then coalesce(settled_at, ${now}) end
    where id = ${id}`;
}

/** Something is owed, and is to be seen to at this time at the latest. */
export async function oweOrder(tx: Query, id: string, now: Date, at: Date): Promise<void> {
  await tx`
    update orders set settled_at = null, owed_since = coalesce(owed_since, ${now}),
      next_try_at = least(next_try_at, ${at})
    where id = ${id}`;
}

/** Takes orders that are due; they are due again when whoever took them comes to nothing. */
export async function claimOrders(
  query: Query,
  due: { now: Date; limit: number },
): Promise<readonly { readonly id: string; readonly tries: number }[]> {
  return query<{ id: string; tries: number }[]>`
    update orders set tries = tries + 1, next_try_at = ${due.now}::timestamptz + interval '1 minute'
    where id in (
      select id from orders where next_try_at <= ${due.now}
      order by next_try_at limit ${due.limit} for update skip locked)
    returning id, tries`;
}

export async function deferOrder(query: Query, id: string, at: Date): Promise<void> {
  await query`update orders set next_try_at = ${at} where id = ${id} and next_try_at is not null`;
}
