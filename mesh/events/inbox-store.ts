import type { Query } from "../db/database.ts";

/** Notes that this is being handled, with the effect; false when it was before. */
export async function enterInbox(tx: Query, consumer: string, id: string): Promise<boolean> {
  const entered = await tx`
    insert into weft_inbox (consumer, message_id) values (${consumer}, ${id})
    on conflict do nothing`;
  return entered.count > 0;
}

/** The same for several at once; those of them that are new. */
export async function enterInboxAll(
  tx: Query,
  consumer: string,
  ids: readonly string[],
): Promise<Set<string>> {
  const entered = await tx<{ messageId: string }[]>`
    insert into weft_inbox (consumer, message_id)
    select ${consumer}::text, unnest(${[...ids]}::uuid[])
    on conflict do nothing returning message_id`;
  return new Set(entered.map(({ messageId }) => messageId));
}

/** These are not handled in this transaction after all. */
export async function leaveInbox(tx: Query, consumer: string, ids: readonly string[]): Promise<void> {
  await tx`delete from weft_inbox where consumer = ${consumer} and message_id = any(${[...ids]}::uuid[])`;
}

/**
 * The same for who is to be the only one: `held` is false when another instance
 * has taken over. Until this transaction ends, none can.
 */
export async function enterInboxHolding(
  tx: Query,
  consumer: string,
  id: string,
  epoch: bigint,
): Promise<{ held: boolean; entered: boolean }> {
  const [row] = await tx<{ held: boolean; entered: boolean }[]>`
    with held as materialized (
      select 1 from weft_fences where name = ${consumer} and epoch = ${epoch} for share),
    entered as (
      insert into weft_inbox (consumer, message_id)
      select ${consumer}::text, ${id}::uuid from held
      on conflict do nothing returning 1)
    select exists (select from held) as held, exists (select from entered) as entered`;
  return row ?? { held: false, entered: false };
}

/** How often an event failed so far, and when first. */
export interface Failures {
  readonly attempts: number;
  readonly firstFailedAt: Date;
  readonly lastFailedAt: Date;
}

export async function noteFailure(
  query: Query,
  consumer: string,
  id: string,
  now: Date,
): Promise<Failures | undefined> {
  const [row] = await query<Failures[]>`
    insert into weft_failures as f (consumer, message_id, attempts, first_failed_at, last_failed_at)
    values (${consumer}, ${id}, 1, ${now}, ${now})
    on conflict (consumer, message_id) do update set
      attempts = f.attempts + 1, last_failed_at = excluded.last_failed_at
    returning attempts, first_failed_at, last_failed_at`;
  return row;
}

/** What was counted before it began has not failed by its own fault. */
export async function takeBackFailure(query: Query, consumer: string, id: string): Promise<void> {
  await query`
    update weft_failures set attempts = attempts - 1
    where consumer = ${consumer} and message_id = ${id}`;
}

export async function forgetFailures(query: Query, consumer: string, id: string): Promise<void> {
  await query`delete from weft_failures where consumer = ${consumer} and message_id = ${id}`;
}

/** Forgets what nothing can bring again: jobs may be retried for longer than streams keep events. */
export async function dropHandled(
  query: Query,
  before: { readonly events: Date; readonly jobs: Date },
  limit: number,
): Promise<number> {
  const gone = await query`
    delete from weft_inbox where ctid = any(array(
      select ctid from weft_inbox
      where handled_at < ${before.events}
        and (consumer not like 'job/%' or handled_at < ${before.jobs})
      limit ${limit}))`;
  await query`delete from weft_failures where last_failed_at < ${before.events}`;
  return gone.count;
}
