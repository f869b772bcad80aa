import type { Query } from "#mesh";
import { only } from "#mesh";

/** What waits for a provider, and since when the oldest of it does. */
export interface Open {
  readonly payments: number;
  readonly refunds: number;
  readonly orders: number;
  readonly oldestAt: Date | null;
}

export async function countOpen(query: Query): Promise<Open> {
  return only(
    await query<Open[]>`
      select
        (select count(*)::int from payments where state = 'pending') as payments,
        (select count(*)::int from refunds where state = 'pending') as refunds,
        (select count(*)::int from orders where next_try_at is not null) as orders,
        least(
          (select min(created_at) from payments where state = 'pending'),
          (select min(created_at) from refunds where state = 'pending'),
          (select min(owed_since) from orders where next_try_at is not null)) as oldest_at`,
  );
}
