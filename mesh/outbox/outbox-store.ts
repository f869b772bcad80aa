import type { Query } from "../db/database.ts";

/** A message on its way, ready to be published as it is. */
export interface OutboxMessage {
  readonly id: string;
  readonly stream: string;
  readonly subject: string;
  /** Names and values by turns. */
  readonly headers: readonly string[];
  readonly data: Uint8Array;
}

/**
 * Takes a message for good, with the change that it belongs to if there is a
 * transaction: into the outbox, or to the broker itself for a service without a
 * database. Messages of one key keep their order; those of none wait for nobody.
 */
export type Take = (message: OutboxMessage, key: string, tx: Query | undefined) => Promise<void>;

export interface OutboxRow extends OutboxMessage {
  readonly position: bigint;
}

/** No value of a header has one. */
const between = "\n";

/**
 * Writes a message with the change that it tells of. Messages of one key come
 * in the order in which their transactions commit: whoever writes the next one
 * waits here for the transaction that wrote the last.
 */
export async function addToOutbox(tx: Query, message: OutboxMessage, key: string): Promise<void> {
  const { id, stream, subject, data } = message;
  const headers = message.headers.join(between);
  if (key === "") {
    await tx`
      insert into weft_outbox (id, stream, subject, headers, data)
      values (${id}, ${stream}, ${subject}, ${headers}, ${data})`;
    return;
  }
  // The position is drawn after the lock is held: that is what makes it follow the order of commits.
  await tx`
    with locked as materialized (
      select pg_advisory_xact_lock(hashtextextended(${`weft_outbox ${stream} ${key}`}, 0)))
    insert into weft_outbox (id, stream, subject, headers, data)
    select ${id}::uuid, ${stream}::text, ${subject}::text, ${headers}::text, ${data}::bytea from locked`;
}

/** What waits to be published, in order. */
export async function pendingRows(
  query: Query,
  limit: number,
  except: readonly string[],
): Promise<OutboxRow[]> {
  const rows = await query<StoredRow[]>`
    select position, id, stream, subject, headers, data from weft_outbox
    where published_at is null and stream <> all(${[...except]})
    order by position limit ${limit}`;
  return rows.map((row) => ({ ...row, headers: row.headers.split(between) }));
}

type StoredRow = Omit<OutboxRow, "headers"> & { readonly headers: string };

export interface Published {
  readonly position: bigint;
  readonly sequence: number;
}

export interface StreamMark {
  readonly stream: string;
  /** When the stream was made, as the broker writes it: another one begins to count anew. */
  readonly created: string;
  readonly sequence: number;
}

/** The lease on publishing, by whose fence an instance knows that it is still the one. */
export const relayLease = "weft/outbox";

/**
 * Notes what was acknowledged, unless another instance has taken over: what that
 * knows of the streams is newer, and it publishes what is not noted again.
 */
export async function markPublished(
  query: Query,
  rows: readonly Published[],
  marks: readonly StreamMark[],
  epoch: bigint,
): Promise<void> {
  const positions = rows.map(({ position }) => position.toString());
  const sequences = rows.map(({ sequence }) => String(sequence));
  await query`
    with held as materialized (
      select 1 from weft_fences where name = ${relayLease} and epoch = ${epoch} for share),
    marked as (
      insert into weft_streams (stream, created, sequence)
      select of.* from held, unnest(
        ${marks.map(({ stream }) => stream)}::text[],
        ${marks.map(({ created }) => created)}::text[],
        ${marks.map(({ sequence }) => String(sequence))}::bigint[]) as of
      on conflict (stream) do update set
        sequence = case when weft_streams.created = excluded.created
          then greatest(weft_streams.sequence, excluded.sequence) else excluded.sequence end,
        created = excluded.created)
    update weft_outbox o set published_at = clock_timestamp(), sequence = p.sequence
    from held, unnest(${positions}::bigint[], ${sequences}::bigint[]) as p (position, sequence)
    where o.position = p.position`;
}

export async function markOf(query: Query, stream: string): Promise<StreamMark | undefined> {
  const [row] = await query<{ stream: string; created: string; sequence: bigint }[]>`
    select stream, created, sequence from weft_streams where stream = ${stream}`;
  return row && { ...row, sequence: Number(row.sequence) };
}

/** The streams that acknowledged something once. */
export async function markedStreams(query: Query): Promise<string[]> {
  return (await query<{ stream: string }[]>`select stream from weft_streams`).map(({ stream }) => stream);
}

/** The stream no longer has what it acknowledged: all behind this is to be published again. */
export async function publishAgain(query: Query, stream: string, behind: number): Promise<number> {
  const rows = await query`
    update weft_outbox set published_at = null, sequence = null
    where stream = ${stream} and sequence > ${behind}`;
  await query`update weft_streams set sequence = least(sequence, ${behind}) where stream = ${stream}`;
  return rows.count;
}

/** Removes what was published before this; in steps, oldest first, and tells how much. */
export async function dropPublished(query: Query, before: Date, limit: number): Promise<number> {
  const gone = await query`
    delete from weft_outbox where position in (
      select position from weft_outbox
      where published_at < ${before} order by position limit ${limit})`;
  return gone.count;
}

export async function outboxState(query: Query): Promise<{ pending: number; oldestMs: number }> {
  const [row] = await query<{ pending: bigint; oldest: number | null }[]>`
    select count(*) as pending,
      (extract(epoch from clock_timestamp() - min(created_at)) * 1000)::float8 as oldest
    from (select created_at from weft_outbox where published_at is null order by position limit 100000) waiting`;
  return { pending: Number(row?.pending ?? 0), oldestMs: row?.oldest ?? 0 };
}
