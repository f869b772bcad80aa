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

/** Under this name a job's effects that are to happen once are noted. */
export const onceConsumer = (jobType: string, step: string): string =>
  step ? `${jobPrefix}${jobType}/${step}` : `${jobPrefix}${jobType}`;

/** No consumer of events has such a name. */
const jobPrefix = "job/";

/** Forgets what nothing can bring again, some at a time, and tells how much. */
export async function dropHandled(
  query: Query,
  before: { readonly events: Date; readonly jobs: Date },
  limit: number,
): Promise<number> {
  const gone = await query`
    delete from weft_inbox where ctid = any(array(
      select ctid from weft_inbox
      where handled_at < ${before.events}
        and (not starts_with(consumer, ${jobPrefix}) or handled_at < ${before.jobs})
      limit ${limit}))`;
  return gone.count;
}
