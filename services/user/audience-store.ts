import type { Query } from "#mesh";

export interface AudienceFilter {
  /** Language tags in lower case; each stands for all that are narrower. None: all. */
  readonly locales: readonly string[];
  readonly timeZones: readonly string[];
  readonly registeredAfter: Date | undefined;
  readonly registeredBefore: Date | undefined;
  readonly seenAfter: Date | undefined;
  readonly seenBefore: Date | undefined;
  /** Of these alone; of all when there are none. */
  readonly ids: readonly string[];
}

/** What a page of accounts has. */
export interface AudiencePage {
  /** Of those that match. */
  readonly userIds: readonly string[];
  /** Of the last account that was looked at; nothing when there was none. */
  readonly lastId: string | undefined;
  readonly isLast: boolean;
}

/**
 * Looks at so many accounts, in the order of their ids, which are the primary
 * key: a page costs the same whatever the filter, and no filter needs an index.
 */
export async function selectAudience(
  query: Query,
  filter: AudienceFilter,
  { afterId, limit }: { afterId: string | undefined; limit: number },
): Promise<AudiencePage> {
  const rows = await query<{ id: string; matches: boolean }[]>`
    select id, (${matching(query, filter)}) is true as matches from (
      select * from accounts
      where ${named(query, filter)} ${afterId === undefined ? query`` : query`and id > ${afterId}`}
      order by id limit ${limit}) as looked
    order by id`;
  return {
    userIds: rows.flatMap(({ id, matches }) => (matches ? [id] : [])),
    lastId: rows.at(-1)?.id,
    isLast: rows.length < limit,
  };
}

export async function countAudience(query: Query, filter: AudienceFilter): Promise<bigint> {
  const [row] = await query<{ count: bigint }[]>`
    select count(*) as count from accounts where ${named(query, filter)} and ${matching(query, filter)}`;
  return row?.count ?? 0n;
}

const named = (query: Query, { ids }: AudienceFilter) =>
  ids.length === 0 ? query`true` : query`id = any(${ids as string[]}::uuid[])`;

function matching(query: Query, filter: AudienceFilter) {
  const { locales, timeZones, registeredAfter, registeredBefore, seenAfter, seenBefore } = filter;
  return query`
    true
    ${
      locales.length === 0
        ? query``
        : query`and exists (
            select from unnest(${locales as string[]}::text[]) as wanted
            where starts_with(lower(locale) || '-', wanted || '-'))`
    }
    ${timeZones.length === 0 ? query`` : query`and time_zone = any(${timeZones as string[]}::text[])`}
    ${registeredAfter === undefined ? query`` : query`and created_at > ${registeredAfter}`}
    ${registeredBefore === undefined ? query`` : query`and created_at < ${registeredBefore}`}
    ${seenAfter === undefined ? query`` : query`and last_login_at > ${seenAfter}`}
    ${seenBefore === undefined ? query`` : query`and last_login_at < ${seenBefore}`}`;
}
