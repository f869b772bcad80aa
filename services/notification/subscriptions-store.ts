import type { Query } from "#mesh";
import { only } from "#mesh";

export interface SubscriptionRow {
  readonly id: string;
  readonly userId: string;
  readonly endpoint: string;
  readonly p256dh: string;
  readonly auth: string;
  readonly createdAt: Date;
}

/** A browser has one: who signs in there next takes it over. */
export async function saveSubscription(
  query: Query,
  it: SubscriptionRow,
  most: number,
): Promise<SubscriptionRow> {
  const row = only(
    await query<SubscriptionRow[]>`
      insert into push_subscriptions (id, user_id, endpoint, p256dh, auth, created_at)
      values (${it.id}, ${it.userId}, ${it.endpoint}, ${it.p256dh}, ${it.auth}, ${it.createdAt})
      on conflict (endpoint) do update
        set user_id = excluded.user_id, p256dh = excluded.p256dh, auth = excluded.auth
      returning *`,
  );
  // Browsers forget theirs without a word: the oldest give way.
  await query`
    delete from push_subscriptions where id in (
      select id from push_subscriptions
      where user_id = ${it.userId} and id <> ${row.id}
      order by id desc
      offset ${most - 1})`;
  return row;
}

export const subscriptionsOf = (query: Query, userId: string): Promise<SubscriptionRow[]> =>
  query<SubscriptionRow[]>`select * from push_subscriptions where user_id = ${userId} order by id`;

export async function dropSubscription(query: Query, id: string, userId: string): Promise<boolean> {
  const { count } = await query`delete from push_subscriptions where id = ${id} and user_id = ${userId}`;
  return count > 0;
}

/** The push service knows it no more; one that was renewed meanwhile stays. */
export async function dropGone(query: Query, { endpoint, p256dh }: SubscriptionRow): Promise<void> {
  await query`delete from push_subscriptions where endpoint = ${endpoint} and p256dh = ${p256dh}`;
}
