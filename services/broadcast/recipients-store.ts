import type { Query } from "#mesh";

export type RecipientStatus = "waiting" | "sending" | "sent" | "failed" | "skipped";

export interface RecipientRow {
  readonly broadcastId: string;
  readonly userId: string;
  readonly status: RecipientStatus;
  readonly tries: number;
  readonly notificationId: string | null;
  readonly arrived: boolean;
  readonly reason: string;
  readonly updatedAt: Date;
}

/** Tells how many were not there yet. */
export async function addRecipients(
  query: Query,
  broadcastId: string,
  userIds: readonly string[],
  now: Date,
): Promise<number> {
  if (userIds.length === 0) return 0;
  const { count } = await query`
    insert into recipients (broadcast_id, user_id, updated_at)
    select ${broadcastId}, user_id, ${now} from unnest(${userIds as string[]}::uuid[]) as user_id
    on conflict do nothing`;
  return count;
}

export interface Claimed {
  readonly userId: string;
  /** Of its tries, those for which the answer was that something broke. */
  readonly broken: number;
}

export interface Lease {
  readonly claim: string;
  readonly leasedUntil: Date;
}

export async function claimRecipients(
  query: Query,
  broadcastId: string,
  { claim, leasedUntil }: Lease,
  { limit, now }: { limit: number; now: Date },
): Promise<Claimed[]> {
  return query<Claimed[]>`
    update recipients
    set status = 'sending', claim = ${claim}, leased_until = ${leasedUntil}, tries = tries + 1, updated_at = ${now}
    where broadcast_id = ${broadcastId} and user_id in (
      select user_id from recipients where broadcast_id = ${broadcastId} and status = 'waiting'
      order by user_id limit ${limit} for update skip locked)
    returning user_id, broken`;
}

/** Those that are still this claim's to write of, locked. */
export async function lockClaimed(query: Query, broadcastId: string, claim: string): Promise<Set<string>> {
  const rows = await query<{ userId: string }[]>`
    select user_id from recipients
    where broadcast_id = ${broadcastId} and status = 'sending' and claim = ${claim}
    for update`;
  return new Set(rows.map(({ userId }) => userId));
}

export interface Written {
  readonly userId: string;
  readonly status: RecipientStatus;
  readonly broken: number;
  readonly notificationId: string | null;
  readonly arrived: boolean;
  readonly reason: string;
}

/** What became of those who were on their way. */
export async function writeAnswers(
  query: Query,
  broadcastId: string,
  answers: readonly Written[],
  now: Date,
): Promise<void> {
  if (answers.length === 0) return;
  await query`
    update recipients r set status = a.status, notification_id = a.notification_id, arrived = a.arrived,
      reason = a.reason, broken = a.broken, claim = null, leased_until = null, updated_at = ${now}
    from unnest(
      ${answers.map(({ userId }) => userId)}::uuid[], ${answers.map(({ status }) => status)}::text[],
      ${answers.map(({ notificationId }) => notificationId)}::uuid[],
      ${answers.map(({ arrived }) => `${arrived}`)}::text[]::boolean[], ${answers.map(({ reason }) => reason)}::text[],
      ${answers.map(({ broken }) => broken)}::integer[]
    ) as a (user_id, status, notification_id, arrived, reason, broken)
    where r.broadcast_id = ${broadcastId} and r.user_id = a.user_id`;
}

/** Broadcasts of which some are on their way with nobody. */
export async function withExpired(query: Query, now: Date, limit: number): Promise<string[]> {
  const rows = await query<{ broadcastId: string }[]>`
    select distinct broadcast_id from (
      select broadcast_id from recipients where leased_until <= ${now} order by leased_until limit ${limit}) as expired`;
  return rows.map(({ broadcastId }) => broadcastId);
}

/** Lets go of those; the broadcast is locked. Tells how many. */
export async function releaseExpired(query: Query, broadcastId: string, now: Date): Promise<number> {
  const { count } = await query`
    update recipients set status = 'waiting', claim = null, leased_until = null, updated_at = ${now}
    where leased_until <= ${now} and broadcast_id = ${broadcastId}`;
  return count;
}

/** Broadcasts in which a user waits. */
export async function waitingIn(query: Query, userId: string): Promise<string[]> {
  const rows = await query<{ broadcastId: string }[]>`
    select broadcast_id from recipients where user_id = ${userId}
      and status in ('waiting', 'sending') and status = 'waiting'
    order by broadcast_id`;
  return rows.map(({ broadcastId }) => broadcastId);
}

/** Skips a user who waits; the broadcast is locked. Tells how many that are. */
export async function skipGone(
  query: Query,
  broadcastId: string,
  userId: string,
  now: Date,
): Promise<number> {
  const { count } = await query`
    update recipients set status = 'skipped', reason = 'gone', updated_at = ${now}
    where broadcast_id = ${broadcastId} and user_id = ${userId} and status = 'waiting'`;
  return count;
}

export interface RecipientFilter {
  readonly statuses: readonly RecipientStatus[] | undefined;
  readonly afterId: string | undefined;
  readonly limit: number;
}

export async function listRecipients(
  query: Query,
  broadcastId: string,
  { statuses, afterId, limit }: RecipientFilter,
): Promise<RecipientRow[]> {
  return query<RecipientRow[]>`
    select broadcast_id, user_id, status, tries, notification_id, arrived, reason, updated_at from recipients
    where broadcast_id = ${broadcastId}
      ${statuses === undefined ? query`` : query`and status = any(${statuses as string[]}::text[])`}
      ${afterId === undefined ? query`` : query`and user_id > ${afterId}`}
    order by user_id limit ${limit}`;
}

/** Some of those whose broadcast was over before, or is deleted; gives back how many. */
export async function dropRecipients(query: Query, before: Date, limit: number): Promise<number> {
  const { count } = await query`
    delete from recipients where (broadcast_id, user_id) in (
      select broadcast_id, user_id from recipients
      where broadcast_id in (select id from broadcasts where finished_at < ${before} or deleted_at is not null)
      limit ${limit})`;
  return count;
}
