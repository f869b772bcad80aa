import type { Query } from "#mesh";
import type { ChannelName } from "./channels.ts";

export interface NotificationRow {
  readonly id: string;
  readonly userId: string;
  readonly seq: bigint;
  readonly topic: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly link: string;
  readonly voice: string;
  readonly channels: ChannelName[];
  readonly inApp: boolean;
  readonly sender: string;
  readonly idempotencyKey: string | null;
  readonly requestHash: Uint8Array | null;
  readonly createdAt: Date;
  readonly readAt: Date | null;
}

export type NewNotification = Omit<NotificationRow, "readAt">;

/** Nothing when its key is there already. */
export async function insertNotification(
  query: Query,
  it: NewNotification,
): Promise<NotificationRow | undefined> {
  const hash = it.requestHash && Buffer.from(it.requestHash);
  const [row] = await query<NotificationRow[]>`
    insert into notifications (id, user_id, seq, topic, subject, text, html, link, voice, channels, in_app, sender,
      idempotency_key, request_hash, created_at)
    values (${it.id}, ${it.userId}, ${it.seq}, ${it.topic}, ${it.subject}, ${it.text}, ${it.html}, ${it.link}, ${it.voice},
      ${it.channels}::text[], ${it.inApp}, ${it.sender}, ${it.idempotencyKey}, ${hash}, ${it.createdAt})
    on conflict (sender, idempotency_key) where idempotency_key is not null do nothing
    returning *`;
  return row;
}

export async function findByKey(
  query: Query,
  sender: string,
  key: string,
): Promise<NotificationRow | undefined> {
  const [row] = await query<NotificationRow[]>`
    select * from notifications where sender = ${sender} and idempotency_key = ${key}`;
  return row;
}

export async function findNotification(query: Query, id: string): Promise<NotificationRow | undefined> {
  const [row] = await query<NotificationRow[]>`select * from notifications where id = ${id}`;
  return row;
}

export interface ListFilter {
  readonly userId: string;
  readonly topic: string;
  readonly unread: boolean;
  /** Those that went other ways alone are no part of the user's own list. */
  readonly inApp: boolean;
  readonly beforeSeq: string | undefined;
  readonly limit: number;
}

export async function listNotifications(query: Query, filter: ListFilter): Promise<NotificationRow[]> {
  const { userId, topic, unread, inApp, beforeSeq, limit } = filter;
  return query<NotificationRow[]>`
    select * from notifications
    where user_id = ${userId}
      ${topic === "" ? query`` : query`and topic = ${topic}`}
      ${unread ? query`and read_at is null` : query``}
      ${inApp ? query`and in_app` : query``}
      ${beforeSeq === undefined ? query`` : query`and seq < ${beforeSeq}`}
    order by seq desc
    limit ${limit}`;
}

/** Those after a number, the oldest first. */
export async function listAfter(
  query: Query,
  userId: string,
  seq: bigint,
  limit: number,
): Promise<NotificationRow[]> {
  return query<NotificationRow[]>`
    select * from notifications
    where user_id = ${userId} and in_app and seq > ${seq}
    order by seq
    limit ${limit}`;
}

export async function countUnread(query: Query, userId: string): Promise<number> {
  const [row] = await query<{ count: number }[]>`
    select count(*)::int as count from notifications
    where user_id = ${userId} and in_app and read_at is null`;
  return row?.count ?? 0;
}

/** It keeps the time at which it was first read. */
export async function markRead(
  query: Query,
  id: string,
  userId: string,
  now: Date,
): Promise<NotificationRow | undefined> {
  const [row] = await query<NotificationRow[]>`
    update notifications set read_at = coalesce(read_at, ${now})
    where id = ${id} and user_id = ${userId} and in_app
    returning *`;
  return row;
}

export async function dropOld(query: Query, before: Date, limit: number): Promise<number> {
  const { count } = await query`
    delete from notifications where id in (
      select id from notifications where created_at < ${before} order by created_at limit ${limit})`;
  return count;
}
