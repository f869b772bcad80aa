import type { JSONValue } from "postgres";
import type { Query } from "#mesh";
import { standingTtlMs } from "#mesh";

export interface Announcement {
  /** Key in the standing bucket. */
  readonly key: string;
  readonly value: Readonly<Record<string, JSONValue>>;
}

export interface AnnouncementRow extends Announcement {
  readonly version: bigint;
  readonly changedAt: Date;
}

/**
 * Notes what must be told, in the transaction that makes it true. Watchers hold
 * on to what became true last, so the times of one key only grow, whichever
 * instance with whichever clock writes them.
 */
export async function announce(tx: Query, news: readonly Announcement[], nowMs: number): Promise<void> {
  const [changedAt, expiresAt] = [new Date(nowMs), new Date(nowMs + standingTtlMs)];
  for (const { key, value } of news) {
    await tx`
      insert into announcements (key, value, version, changed_at, expires_at)
      values (${key}, ${tx.json(value)}, nextval('announcement_versions'), ${changedAt}, ${expiresAt})
      on conflict (key) do update set
        value = excluded.value,
        version = excluded.version,
        changed_at = greatest(excluded.changed_at, announcements.changed_at + interval '1 ms'),
        expires_at = greatest(excluded.expires_at, announcements.expires_at + interval '1 ms')`;
  }
}

/** What has not been told yet, oldest first. */
export async function pendingAnnouncements(
  query: Query,
  limit: number,
  now: Date,
): Promise<AnnouncementRow[]> {
  return query<AnnouncementRow[]>`
    select key, value, version, changed_at from announcements
    where announced_version <> version and expires_at > ${now}
    order by version limit ${limit}`;
}

/**
 * Notes that a version was told. When another version has taken its place
 * meanwhile, that one may have been told before and just been overwritten: it
 * becomes pending again.
 */
export async function markAnnounced(query: Query, told: readonly AnnouncementRow[]): Promise<void> {
  const keys = told.map(({ key }) => key);
  const versions = told.map(({ version }) => version.toString());
  await query`
    update announcements a
    set announced_version = case when a.version = t.version then a.version else 0 end
    from unnest(${keys}::text[], ${versions}::bigint[]) as t (key, version)
    where a.key = t.key`;
}

/** Everything that still matters is to be told again. */
export async function announceAgain(query: Query, now: Date): Promise<void> {
  await query`update announcements set announced_version = 0 where expires_at > ${now}`;
}

/** When the oldest pending announcement was made. */
export async function oldestPending(query: Query, now: Date): Promise<Date | undefined> {
  const [row] = await query<{ changedAt: Date | null }[]>`
    select min(changed_at) as changed_at from announcements
    where announced_version <> version and expires_at > ${now}`;
  return row?.changedAt ?? undefined;
}
