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

/**
 * In the order of their ids, which are the primary key: a walk through all pages
 * reads the table once, whatever the filter, so no filter needs an index.
 */
export async function selectAudience(
  query: Query,
  filter: AudienceFilter,
  { afterId, limit }: { afterId: string | undefined; limit: number },
): Promise<string[]> {
  const rows = await query<{ id: string }[]>`
    select id from accounts
    where ${matching(query, filter)} ${afterId === undefined ? query`` : query`and id > ${afterId}`}
    order by id limit ${limit}`;
  return rows.map(({ id }) => id);
}

export async function countAudience(query: Query, filter: AudienceFilter): Promise<bigint> {
  const [row] = await query<{ count: bigint }[]>`
    select count(*) as count from accounts where ${matching(query, filter)}`;
  return row?.count ?? 0n;
}

function matching(query: Query, filter: AudienceFilter) {
  const { locales, timeZones, registeredAfter, registeredBefore, seenAfter, seenBefore, ids } = filter;
  return query`
    true
    ${ids.length === 0 ? query`` : query`and id = any(${ids as string[]}::uuid[])`}
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
