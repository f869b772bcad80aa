import type { Query } from "#mesh";

/**
 * The number of the next notification of a user; nothing when the account is
 * gone. Whoever has it goes before all others until the transaction ends.
 */
export async function nextSeq(query: Query, userId: string): Promise<bigint | undefined> {
  const [row] = await query<{ lastSeq: bigint; closed: boolean }[]>`
    insert into inboxes (user_id, last_seq) values (${userId}, 1)
    on conflict (user_id) do update set last_seq = inboxes.last_seq + 1
    returning last_seq, closed`;
  return row && !row.closed ? row.lastSeq : undefined;
}

/** Waits for those who add to it, and lets in nobody after them. False when it is closed. */
export async function lockInbox(query: Query, userId: string): Promise<boolean> {
  const [row] = await query<{ closed: boolean }[]>`
    insert into inboxes (user_id) values (${userId})
    on conflict (user_id) do update set closed = inboxes.closed
    returning closed`;
  return row !== undefined && !row.closed;
}

export async function lastSeqOf(query: Query, userId: string): Promise<bigint> {
  const [row] = await query<{ lastSeq: bigint }[]>`select last_seq from inboxes where user_id = ${userId}`;
  return row?.lastSeq ?? 0n;
}

/** All that is known of a user goes, and nothing comes in its place. */
export async function forgetUser(query: Query, userId: string): Promise<void> {
  await query`
    insert into inboxes (user_id, closed) values (${userId}, true)
    on conflict (user_id) do update set closed = true`;
  await query`delete from notifications where user_id = ${userId}`;
  await query`delete from topic_preferences where user_id = ${userId}`;
  await query`delete from quiet_hours where user_id = ${userId}`;
  await query`delete from push_subscriptions where user_id = ${userId}`;
}
