import type { Query } from "#mesh";
import { lockNamed } from "#mesh";

export interface Reaching {
  readonly broadcastId: string;
  readonly ownerId: string;
  readonly userIds: readonly string[];
}

export interface Allowance {
  readonly most: number;
  readonly now: Date;
  /** Until when what is sent now counts. */
  readonly until: Date;
}

/**
 * Notes those whom the owner may still write to, and tells who they are. One by
 * one for each owner, so that instances do not both give out the last place.
 * Whoever has a place for this broadcast already keeps it: what is tried again
 * may have gone out.
 */
export async function takePlaces(
  query: Query,
  { broadcastId, ownerId, userIds }: Reaching,
  { most, now, until }: Allowance,
): Promise<Set<string>> {
  if (userIds.length === 0) return new Set();
  await lockNamed(query, `places of ${ownerId}`);
  // A statement of its own, which sees what the lock waited for.
  const rows = await query<{ userId: string }[]>`
    insert into reached (owner_id, user_id, broadcast_id, until)
    select ${ownerId}, user_id, ${broadcastId}, ${until}
    from unnest(${userIds as string[]}::uuid[]) as asked (user_id)
    cross join lateral (
      select count(*) as taken, coalesce(bool_or(r.broadcast_id = ${broadcastId}), false) as has_place
      from reached r
      where r.owner_id = ${ownerId} and r.user_id = asked.user_id and r.until > ${now}) as so_far
    where has_place or taken < ${most}
    on conflict (owner_id, user_id, broadcast_id) do update set until = excluded.until
    returning user_id`;
  return new Set(rows.map(({ userId }) => userId));
}

/** For those whom it has certainly not reached. */
export async function givePlacesBack(
  query: Query,
  { broadcastId, ownerId, userIds }: Reaching,
): Promise<void> {
  if (userIds.length === 0) return;
  await query`
    delete from reached
    where owner_id = ${ownerId} and broadcast_id = ${broadcastId} and user_id = any(${userIds as string[]}::uuid[])`;
}

/** A user who is gone, as a customer and as a seller. */
export async function forgetPlaces(query: Query, userId: string): Promise<void> {
  await query`delete from reached where user_id = ${userId} or owner_id = ${userId}`;
}

/** Some that do not count any more; gives back how many. */
export async function dropPlaces(query: Query, now: Date, limit: number): Promise<number> {
  const { count } = await query`
    delete from reached where until <= ${now} and (owner_id, user_id, broadcast_id) in (
      select owner_id, user_id, broadcast_id from reached where until <= ${now} limit ${limit})`;
  return count;
}
