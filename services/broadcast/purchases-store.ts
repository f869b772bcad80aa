import type { Query } from "#mesh";

export interface Purchase {
  readonly orderId: string;
  readonly ownerId: string;
  readonly userId: string;
}

interface Known {
  readonly paidAt: Date | null;
  readonly undone: boolean;
}

/** Names the locks of customers and sellers among those of this database. */
const traders = 8014;

/** Counts an order that was paid, once, unless it is known to be off by now. */
export async function countPaid(query: Query, purchase: Purchase, paidAt: Date): Promise<void> {
  if (!(await holdTraders(query, purchase))) return;
  const known = await lockPurchase(query, purchase);
  if (known.paidAt) return;
  const { orderId, ownerId, userId } = purchase;
  await query`update purchases set paid_at = ${paidAt} where order_id = ${orderId}`;
  if (known.undone) return;
  await query`
    insert into customers (owner_id, user_id, orders, last_order_at)
    values (${ownerId}, ${userId}, 1, ${paidAt})
    on conflict (owner_id, user_id) do update set orders = customers.orders + 1,
      last_order_at = greatest(customers.last_order_at, excluded.last_order_at)`;
}

/** Takes an order back that came to nothing after all, or notes that it will not count. */
export async function countBack(query: Query, purchase: Purchase): Promise<void> {
  if (!(await holdTraders(query, purchase))) return;
  const known = await lockPurchase(query, purchase);
  if (known.undone) return;
  const { orderId, ownerId, userId } = purchase;
  if (known.paidAt) {
    await query`select 1 from customers where owner_id = ${ownerId} and user_id = ${userId} for update`;
  }
  await query`update purchases set undone = true where order_id = ${orderId}`;
  if (!known.paidAt) return;
  // What is left is read by statements of their own, which see what the lock waited for.
  const { count } = await query`
    update customers c set orders = left_over.orders, last_order_at = left_over.last
    from (
      select count(*)::int as orders, max(paid_at) as last from purchases
      where owner_id = ${ownerId} and user_id = ${userId} and paid_at is not null and not undone) as left_over
    where c.owner_id = ${ownerId} and c.user_id = ${userId} and left_over.orders > 0`;
  if (count === 0) await query`delete from customers where owner_id = ${ownerId} and user_id = ${userId}`;
}

/**
 * Tells whether customer and seller are still there. Neither is forgotten before
 * this transaction ends: otherwise what it writes would come back for ever.
 */
async function holdTraders(query: Query, { ownerId, userId }: Purchase): Promise<boolean> {
  for (const id of [ownerId, userId].sort()) {
    await query`select pg_advisory_xact_lock_shared(${traders}, hashtext(${id}))`;
  }
  // A statement of its own, which sees what the locks waited for.
  const gone = await query`select 1 from forgotten where user_id in (${ownerId}, ${userId})`;
  return gone.length === 0;
}

async function lockPurchase(query: Query, { orderId, ownerId, userId }: Purchase): Promise<Known> {
  await query`
    insert into purchases (order_id, owner_id, user_id) values (${orderId}, ${ownerId}, ${userId})
    on conflict do nothing`;
  const [row] = await query<Known[]>`
    select paid_at, undone from purchases where order_id = ${orderId} for update`;
  return row ?? { paidAt: null, undone: false };
}

/** A user who is gone, as a customer and as a seller. What is told late brings neither back. */
export async function forgetTrade(query: Query, userId: string, now: Date): Promise<void> {
  await query`select pg_advisory_xact_lock(${traders}, hashtext(${userId}))`;
  await query`insert into forgotten (user_id, at) values (${userId}, ${now}) on conflict do nothing`;
  await query`delete from customers where user_id = ${userId} or owner_id = ${userId}`;
  await query`delete from purchases where user_id = ${userId} or owner_id = ${userId}`;
}
