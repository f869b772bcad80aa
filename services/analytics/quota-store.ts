import type { Query } from "#mesh";

export type KeyKind = "name" | "subject" | "tag";

/** How much it is in this minute with this. */
export async function takeOfMinute(
  query: Query,
  userId: string,
  minute: Date,
  count: number,
): Promise<number> {
  const [row] = await query<{ count: number }[]>`
    insert into tracked_minutes as m (user_id, minute, count) values (${userId}, ${minute}, ${count})
    on conflict (user_id) do update set minute = excluded.minute,
      count = excluded.count + case when m.minute = excluded.minute then m.count else 0 end
    returning count`;
  return row?.count ?? 0;
}

/** Gives back how many of them are new on this day. */
export async function noteKeys(
  query: Query,
  userId: string,
  day: Date,
  keys: readonly { kind: KeyKind; key: string }[],
): Promise<number> {
  const { count } = await query`
    insert into tracked_keys (user_id, day, kind, key)
    select ${userId}, ${day}, kind, key
    from unnest(${keys.map(({ kind }) => kind)}::text[], ${keys.map(({ key }) => key)}::text[]) as it (kind, key)
    on conflict do nothing`;
  return count;
}

export const countKeys = (
  query: Query,
  userId: string,
  day: Date,
): Promise<{ kind: KeyKind; count: number }[]> =>
  query<{ kind: KeyKind; count: number }[]>`
    select kind, count(*)::int as count from tracked_keys
    where user_id = ${userId} and day = ${day} group by kind`;

/** What bounds nothing any more. */
export async function dropMinutes(query: Query, before: Date, limit: number): Promise<number> {
  const { count } = await query`
    delete from tracked_minutes where ctid = any(array(
      select ctid from tracked_minutes where minute < ${before} limit ${limit}))`;
  return count;
}

export async function dropKeys(query: Query, before: Date, limit: number): Promise<number> {
  const { count } = await query`
    delete from tracked_keys where ctid = any(array(
      select ctid from tracked_keys where day < ${before} limit ${limit}))`;
  return count;
}
