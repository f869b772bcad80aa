import type { Query } from "#mesh";

/** A payment or refund that somebody took to see to it. */
export interface Due {
  readonly id: string;
  readonly tries: number;
  /** Until when it is theirs; also tells whether it was called for meanwhile. */
  readonly nextTryAt: Date;
}

export type Table = "payments" | "refunds";

export interface Claim {
  readonly provider: string;
  readonly now: Date;
  /** When others may take it, should nobody be heard of again. */
  readonly until: Date;
  readonly limit: number;
}

/** What somebody waits for comes before what is over and looked at once more. */
export async function claimDue(query: Query, table: Table, claim: Claim): Promise<readonly Due[]> {
  const { provider, now, until, limit } = claim;
  return query<Due[]>`
    update ${query(table)} set tries = tries + 1, next_try_at = ${until}
    where id in (
      select id from ${query(table)} where provider = ${provider} and next_try_at <= ${now}
      order by state <> 'pending', next_try_at limit ${limit} for update skip locked)
    returning id, tries, next_try_at`;
}

/** Comes again at this time, unless it is over or somebody called for it sooner. */
export async function defer(query: Query, table: Table, { id, nextTryAt }: Due, at: Date): Promise<void> {
  await query`update ${query(table)} set next_try_at = ${at} where id = ${id} and next_try_at = ${nextTryAt}`;
}

/** What is still open is looked at by this time, whoever else had it in mind for later. */
export async function lookBy(query: Query, table: Table, id: string, at: Date): Promise<void> {
  await query`
    update ${query(table)} set next_try_at = least(next_try_at, ${at}) where id = ${id} and state = 'pending'`;
}
