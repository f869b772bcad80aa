import type { Query } from "#mesh";
import { only } from "#mesh";
import type { Entry, Head, PlacedEntry, SealedEntry } from "./audit-chain.ts";
import { sealOf } from "./audit-chain.ts";

/** Any number will do, as long as every instance uses the same. */
const lockKey = 5_180_003;

/** Which record this database holds. */
export async function recordId(query: Query): Promise<string> {
  return only(await query<{ id: string }[]>`select id from audit_record`).id;
}

/**
 * Adds an entry after the last one. Others wait until the transaction ends, so
 * this comes last in it: a number that is taken and then not used would be a gap.
 */
export async function appendEntry(
  tx: Query,
  { key, start, entry, now }: { key: Uint8Array; start: Head; entry: Entry; now: () => number },
): Promise<Head> {
  await tx`select pg_advisory_xact_lock(${lockKey})`;
  const before = (await headOf(tx)) ?? start;
  // The time is taken under the lock, so that it never runs backwards on one instance.
  const placed: PlacedEntry = { ...entry, sequence: before.sequence + 1n, time: new Date(now()) };
  const seal = sealOf(key, before.seal, placed);
  await tx`insert into audit_entries ${tx({ ...placed, details: tx.json({ ...placed.details }), seal })}`;
  return { sequence: placed.sequence, seal };
}

export async function headOf(query: Query): Promise<Head | undefined> {
  const [head] = await query<Head[]>`
    select sequence, seal from audit_entries order by sequence desc limit 1`;
  return head;
}

export async function sealAt(query: Query, sequence: bigint): Promise<Uint8Array | undefined> {
  const [row] = await query<{ seal: Uint8Array }[]>`
    select seal from audit_entries where sequence = ${sequence}`;
  return row?.seal;
}

/** Entries in their order, from after one number up to another. */
export async function entriesBetween(
  query: Query,
  after: bigint,
  upTo: bigint,
  limit: number,
): Promise<SealedEntry[]> {
  return query<SealedEntry[]>`
    select sequence, time, service, actor, action, resource, outcome, request_id, details, seal
    from audit_entries where sequence > ${after} and sequence <= ${upTo} order by sequence limit ${limit}`;
}

export interface EntryFilter {
  readonly before: bigint | undefined;
  readonly actor: string;
  readonly action: string;
  readonly resource: string;
  readonly outcome: number;
  readonly from: Date | undefined;
  readonly until: Date | undefined;
}

/** Newest first. */
export async function findEntries(query: Query, filter: EntryFilter, limit: number): Promise<PlacedEntry[]> {
  const { before, actor, action, resource, outcome, from, until } = filter;
  return query<PlacedEntry[]>`
    select sequence, time, service, actor, action, resource, outcome, request_id, details
    from audit_entries
    where true
      ${before === undefined ? query`` : query`and sequence < ${before}`}
      ${actor ? query`and actor = ${actor}` : query``}
      ${action ? actionFilter(query, action) : query``}
      ${resource ? query`and resource = ${resource}` : query``}
      ${outcome ? query`and outcome = ${outcome}` : query``}
      ${from ? query`and time >= ${from}` : query``}
      ${until ? query`and time < ${until}` : query``}
    order by sequence desc limit ${limit}`;
}

/** `user.` is all below it. The column sorts by bytes, so `/` is what comes after `.`. */
function actionFilter(query: Query, action: string) {
  if (!action.endsWith(".")) return query`and action = ${action}`;
  return query`and action >= ${action} and action < ${`${action.slice(0, -1)}/`}`;
}
