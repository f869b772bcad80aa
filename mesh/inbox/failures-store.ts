import type { Query } from "../db/database.ts";

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

/** Forgets what nothing can bring again. */
export async function dropFailures(query: Query, before: Date): Promise<void> {
  await query`delete from weft_failures where last_failed_at < ${before}`;
}
