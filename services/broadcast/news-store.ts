import type { Query } from "#mesh";

/** What was told of a notification. */
export interface News {
  readonly arrived: boolean;
  /** Why it failed. */
  readonly reason: string;
}

/** The recipient that a notification is for, if it is one of ours. */
export async function broadcastOf(query: Query, notificationId: string): Promise<string | undefined> {
  const [row] = await query<{ broadcastId: string }[]>`
    select broadcast_id from recipients where notification_id = ${notificationId}`;
  return row?.broadcastId;
}

/** Writes it down; tells whether that changed the recipient's status. The broadcast is locked. */
export async function applyNews(
  query: Query,
  notificationId: string,
  { arrived, reason }: News,
  now: Date,
): Promise<boolean> {
  const { count } = arrived
    ? await query`
        update recipients set status = 'sent', reason = '', updated_at = ${now}
        where notification_id = ${notificationId} and status = 'failed'`
    : await query`
        update recipients set status = 'failed', reason = ${reason}, updated_at = ${now}
        where notification_id = ${notificationId} and status = 'sent' and not arrived`;
  if (arrived) await query`update recipients set arrived = true where notification_id = ${notificationId}`;
  return count > 0;
}

/** The usual case, for which the broadcast need not be locked. Tells whether it was that. */
export async function noteArrival(query: Query, notificationId: string): Promise<boolean> {
  const { count } = await query`
    update recipients set arrived = true where notification_id = ${notificationId} and status = 'sent'`;
  return count > 0;
}

/**
 * Whether a notification for this user may be one whose answer is not written
 * yet. Nobody writes it before this transaction ends.
 */
export async function mayBeAnswered(query: Query, userId: string, topic: string): Promise<boolean> {
  const rows = await query`
    select 1 from recipients r join broadcasts b on b.id = r.broadcast_id
    where r.user_id = ${userId} and r.status in ('waiting', 'sending') and r.tries > 0 and b.topic = ${topic}
      and b.finished_at is null
    for share of r`;
  return rows.length > 0;
}

/** Keeps it for the answer. That it arrived on one channel outweighs all else. */
export async function keepNews(
  query: Query,
  notificationId: string,
  { arrived, reason }: News,
  now: Date,
): Promise<void> {
  await query`
    insert into early_news (notification_id, arrived, reason, at)
    values (${notificationId}, ${arrived}, ${reason}, ${now})
    on conflict (notification_id) do update set arrived = early_news.arrived or excluded.arrived,
      reason = case when early_news.reason = '' then excluded.reason else early_news.reason end`;
}

export async function takeNews(query: Query, notificationIds: readonly string[]): Promise<Map<string, News>> {
  if (notificationIds.length === 0) return new Map();
  const rows = await query<(News & { notificationId: string })[]>`
    delete from early_news where notification_id = any(${notificationIds as string[]}::uuid[])
    returning notification_id, arrived, reason`;
  return new Map(rows.map((row) => [row.notificationId, row]));
}

export async function dropOldNews(query: Query, before: Date): Promise<void> {
  await query`delete from early_news where at < ${before}`;
}
