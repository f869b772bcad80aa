import type { JsonObject } from "@bufbuild/protobuf";
import type { Query } from "#mesh";
import { lockNamed, only } from "#mesh";
import type { Active, Status } from "./status.ts";

/** What decides how it goes on. What it says, which may be long, is apart. */
export interface BroadcastRow {
  readonly id: string;
  readonly ownerId: string;
  readonly everybody: boolean;
  readonly hasChosen: boolean;
  readonly name: string;
  readonly topic: string;
  readonly link: string;
  /** In whose name it speaks; empty for the platform. */
  readonly voice: string;
  readonly channels: string[];
  readonly perSecond: number;
  readonly status: Status;
  readonly resumesAs: Active | null;
  readonly reason: string;
  readonly refusedOnce: boolean;
  readonly gatheredTo: string | null;
  readonly waiting: number;
  readonly sending: number;
  readonly sent: number;
  readonly failed: number;
  readonly skipped: number;
  readonly sendAt: Date | null;
  readonly nextAt: Date | null;
  readonly tries: number;
  readonly failingSince: Date | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

/** Messages as JSON. */
export interface Content {
  readonly template: JsonObject | null;
  readonly words: JsonObject | null;
}

export interface Particulars extends Content {
  /** Without the users that it names. */
  readonly segment: JsonObject;
}

const columns = (query: Query) => query`
  id, owner_id, everybody, has_chosen, name, topic, link, voice, channels, per_second, status, resumes_as, reason,
  refused_once, gathered_to, waiting, sending, sent, failed, skipped, send_at, next_at, tries, failing_since,
  created_at, started_at, finished_at`;

export interface NewBroadcast extends Particulars {
  readonly id: string;
  readonly ownerId: string;
  readonly everybody: boolean;
  readonly name: string;
  readonly topic: string;
  readonly link: string;
  readonly voice: string;
  readonly channels: readonly string[];
  readonly perSecond: number;
  readonly chosen: readonly string[];
  readonly idempotencyKey: string | null;
  readonly requestHash: Uint8Array;
  readonly createdAt: Date;
}

export async function insertBroadcast(query: Query, it: NewBroadcast): Promise<BroadcastRow> {
  const json = (value: JsonObject | null) => value && query.json(value as never);
  const rows = await query<BroadcastRow[]>`
    insert into broadcasts (id, owner_id, everybody, has_chosen, name, topic, link, voice, channels, per_second, status,
      segment, template, words, idempotency_key, request_hash, created_at)
    values (${it.id}, ${it.ownerId}, ${it.everybody}, ${it.chosen.length > 0}, ${it.name}, ${it.topic}, ${it.link}, ${it.voice},
      ${it.channels as string[]}::text[], ${it.perSecond}, 'draft', ${json(it.segment)}, ${json(it.template)},
      ${json(it.words)}, ${it.idempotencyKey},
      ${it.idempotencyKey === null ? null : Buffer.from(it.requestHash)}, ${it.createdAt})
    returning ${columns(query)}`;
  const row = only(rows);
  if (it.chosen.length > 0) {
    await query`
      insert into chosen (broadcast_id, user_id)
      select ${row.id}, unnest(${it.chosen as string[]}::uuid[])`;
  }
  return row;
}

export async function findByKey(
  query: Query,
  ownerId: string,
  key: string,
): Promise<(BroadcastRow & { readonly requestHash: Uint8Array | null }) | undefined> {
  const [row] = await query<(BroadcastRow & { requestHash: Uint8Array | null })[]>`
    select ${columns(query)}, request_hash from broadcasts
    where owner_id = ${ownerId} and idempotency_key = ${key}`;
  return row;
}

/** Until the end of the transaction nobody else drafts or schedules for this owner. */
export const lockOwner = (tx: Query, ownerId: string): Promise<void> => lockNamed(tx, `drafts of ${ownerId}`);

export async function countDrafts(query: Query, ownerId: string): Promise<number> {
  const [row] = await query<{ count: number }[]>`
    select count(*)::int as count from broadcasts
    where owner_id = ${ownerId} and status = 'draft' and deleted_at is null`;
  return row?.count ?? 0;
}

/** Those of an owner that have been scheduled, and are not over. */
export async function countAhead(query: Query, ownerId: string): Promise<number> {
  const [row] = await query<{ count: number }[]>`
    select count(*)::int as count from broadcasts
    where owner_id = ${ownerId} and status in ('scheduled', 'gathering', 'sending', 'paused')
      and deleted_at is null`;
  return row?.count ?? 0;
}

export async function findBroadcast(query: Query, id: string): Promise<BroadcastRow | undefined> {
  const [row] = await query<BroadcastRow[]>`
    select ${columns(query)} from broadcasts where id = ${id} and deleted_at is null`;
  return row;
}

export async function lockBroadcast(query: Query, id: string): Promise<BroadcastRow | undefined> {
  const [row] = await query<BroadcastRow[]>`
    select ${columns(query)} from broadcasts where id = ${id} and deleted_at is null for no key update`;
  return row;
}

export async function particularsOf(query: Query, id: string): Promise<Particulars> {
  return only(await query<Particulars[]>`select segment, template, words from broadcasts where id = ${id}`);
}

/** Of the users that it names, those behind this one. */
export async function chosenOf(
  query: Query,
  id: string,
  { after, limit }: { after: string | null; limit: number | null },
): Promise<string[]> {
  const rows = await query<{ userId: string }[]>`
    select user_id from chosen
    where broadcast_id = ${id} ${after === null ? query`` : query`and user_id > ${after}`}
    order by user_id limit ${limit}`;
  return rows.map(({ userId }) => userId);
}

export async function saveBroadcast(query: Query, row: BroadcastRow): Promise<void> {
  const { id, everybody, status, resumesAs, reason, refusedOnce, gatheredTo, sendAt, nextAt, tries } = row;
  const { waiting, sending, sent, failed, skipped, failingSince, startedAt, finishedAt } = row;
  await query`
    update broadcasts set
      everybody = ${everybody}, status = ${status}, resumes_as = ${resumesAs}, reason = ${reason},
      refused_once = ${refusedOnce}, gathered_to = ${gatheredTo}, waiting = ${waiting}, sending = ${sending},
      sent = ${sent}, failed = ${failed}, skipped = ${skipped}, send_at = ${sendAt}, next_at = ${nextAt},
      tries = ${tries}, failing_since = ${failingSince}, started_at = ${startedAt}, finished_at = ${finishedAt}
    where id = ${id}`;
}

export interface ListFilter {
  /** Nothing: everybody's. */
  readonly ownerId: string | undefined;
  readonly status: Status | undefined;
  readonly beforeId: string | undefined;
  readonly limit: number;
}

/** Newest first, as ids sort by time; without the variables of templates, which may be long. */
export async function listBroadcasts(
  query: Query,
  filter: ListFilter,
): Promise<(BroadcastRow & Particulars)[]> {
  const { ownerId, status, beforeId, limit } = filter;
  return query<(BroadcastRow & Particulars)[]>`
    select ${columns(query)}, segment, template - 'variables' as template, words from broadcasts
    where deleted_at is null
      ${ownerId === undefined ? query`` : query`and owner_id = ${ownerId}`}
      ${status === undefined ? query`` : query`and status = ${status}`}
      ${beforeId === undefined ? query`` : query`and id < ${beforeId}`}
    order by id desc
    limit ${limit}`;
}

/** Broadcasts of an owner that are not over. */
export async function openOf(query: Query, ownerId: string): Promise<string[]> {
  const rows = await query<{ id: string }[]>`
    select id from broadcasts
    where owner_id = ${ownerId} and status not in ('completed', 'cancelled') order by id`;
  return rows.map(({ id }) => id);
}

/** From now on it is not there, and its key is free. */
export async function markDeleted(query: Query, id: string, at: Date): Promise<void> {
  await query`
    update broadcasts set deleted_at = ${at}, idempotency_key = null, request_hash = null where id = ${id}`;
}

/** Some that were over before, or deleted, and have no recipients left; gives back how many. */
export async function dropBroadcasts(query: Query, before: Date, limit: number): Promise<number> {
  const { count } = await query`
    delete from broadcasts where id in (
      select id from broadcasts b where (finished_at < ${before} or deleted_at is not null)
        and not exists (select 1 from recipients where broadcast_id = b.id)
      limit ${limit})`;
  return count;
}

/** Some that were made before and never scheduled; gives back how many. */
export async function dropDrafts(query: Query, before: Date, limit: number): Promise<number> {
  const { count } = await query`
    delete from broadcasts
    where status = 'draft' and id in (
      select id from broadcasts where status = 'draft' and created_at < ${before} limit ${limit})`;
  return count;
}

/** The name of an owner who is gone. */
export async function forgetVoice(query: Query, ownerId: string): Promise<void> {
  await query`update broadcasts set voice = '' where owner_id = ${ownerId} and voice <> ''`;
}
