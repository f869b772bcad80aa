import type { Query } from "#mesh";
import { only } from "#mesh";
import type { BucketName } from "../buckets.ts";
import { everybody } from "../rollup-lines.ts";

export type Kind = "metrics" | "sales" | "events";
export type Format = "csv" | "json";
export type Status = "waiting" | "writing" | "ready" | "failed";

export interface ReportRow {
  readonly id: string;
  /** Who asked: `user:<id>` or `service:<name>`. */
  readonly sender: string;
  readonly ownerId: string | null;
  /** Whose figures it has. */
  readonly figuresOf: string;
  readonly kind: Kind;
  readonly format: Format;
  readonly spanFrom: Date;
  readonly spanUntil: Date;
  readonly timeZone: string;
  readonly bucket: BucketName;
  readonly status: Status;
  readonly reason: string;
  readonly lines: bigint;
  readonly bytes: bigint;
  readonly requestHash: Uint8Array | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  readonly expiresAt: Date | null;
}

type NewReport = Omit<ReportRow, "status" | "reason" | "lines" | "bytes" | "finishedAt" | "expiresAt"> & {
  readonly idempotencyKey: string | null;
};

export async function insertReport(query: Query, it: NewReport): Promise<ReportRow> {
  const hash = it.idempotencyKey === null || !it.requestHash ? null : Buffer.from(it.requestHash);
  return only(
    await query<ReportRow[]>`
      insert into reports (id, sender, owner_id, figures_of, kind, format, span_from, span_until, time_zone, bucket,
        status, idempotency_key, request_hash, created_at, touched_at)
      values (${it.id}, ${it.sender}, ${it.ownerId}, ${it.figuresOf}, ${it.kind}, ${it.format}, ${it.spanFrom},
        ${it.spanUntil}, ${it.timeZone}, ${it.bucket}, 'waiting', ${it.idempotencyKey}, ${hash}, ${it.createdAt},
        ${it.createdAt})
      returning *`,
  );
}

export async function findReport(query: Query, id: string): Promise<ReportRow | undefined> {
  const [row] = await query<ReportRow[]>`select * from reports where id = ${id}`;
  return row;
}

export async function findReportByKey(
  query: Query,
  sender: string,
  key: string,
): Promise<ReportRow | undefined> {
  const [row] = await query<ReportRow[]>`
    select * from reports where sender = ${sender} and idempotency_key = ${key}`;
  return row;
}

export const countOpen = async (query: Query, sender: string): Promise<number> =>
  only(
    await query<{ count: number }[]>`
      select count(*)::int as count from reports where sender = ${sender} and status in ('waiting', 'writing')`,
  ).count;

export const listReports = (
  query: Query,
  it: {
    /** Nothing: of anybody. */
    sender: string | undefined;
    /** Whether also those over everybody's figures. */
    ofEverybody: boolean;
    status: Status | undefined;
    now: Date;
    beforeId: string | undefined;
    limit: number;
  },
): Promise<ReportRow[]> =>
  query<ReportRow[]>`
    select * from reports
    where (expires_at is null or expires_at > ${it.now})
      ${it.sender === undefined ? query`` : query`and sender = ${it.sender}`}
      ${it.ofEverybody ? query`` : query`and figures_of <> ${everybody}`}
      ${it.status === undefined ? query`` : query`and status = ${it.status}`}
      ${it.beforeId === undefined ? query`` : query`and id < ${it.beforeId}`}
    order by id desc
    limit ${it.limit}`;

export async function deleteReport(query: Query, id: string): Promise<void> {
  await query`delete from reports where id = ${id}`;
}

/** From now on this attempt writes it, from nothing; nothing when there is no such report to be written. */
export async function beginReport(
  tx: Query,
  id: string,
  writer: string,
  now: Date,
): Promise<ReportRow | undefined> {
  const [row] = await tx<ReportRow[]>`
    update reports set status = 'writing', writer = ${writer}, lines = 0, bytes = 0, touched_at = ${now}
    where id = ${id} and status in ('waiting', 'writing')
    returning *`;
  if (row) await tx`delete from report_chunks where report_id = ${id}`;
  return row;
}

export interface Ending {
  readonly status: "ready" | "failed";
  readonly reason: string;
  readonly lines: number;
  readonly now: Date;
  readonly expiresAt: Date;
}

/** False when another attempt writes it, or it is gone. */
export async function endReport(query: Query, id: string, writer: string, it: Ending): Promise<boolean> {
  const { count } = await query`
    update reports set status = ${it.status}, reason = ${it.reason}, lines = ${it.lines},
      bytes = case when ${it.status === "ready"} then bytes else 0 end, finished_at = ${it.now},
      expires_at = ${it.expiresAt}, touched_at = ${it.now}, writer = null
    where id = ${id} and writer = ${writer} and status = 'writing'`;
  if (count > 0 && it.status === "failed") await query`delete from report_chunks where report_id = ${id}`;
  return count > 0;
}

/** Whose job was cancelled, or went for good: nobody writes them any more. */
export async function failAbandoned(
  query: Query,
  it: { writingBefore: Date; waitingBefore: Date; now: Date; expiresAt: Date },
): Promise<{ kind: Kind }[]> {
  return query<{ kind: Kind }[]>`
    with abandoned as (
      update reports set status = 'failed', reason = 'abandoned', lines = 0, bytes = 0, finished_at = ${it.now},
        expires_at = ${it.expiresAt}, writer = null
      where (status = 'writing' and touched_at < ${it.writingBefore})
        or (status = 'waiting' and touched_at < ${it.waitingBefore})
      returning id, kind),
    emptied as (delete from report_chunks where report_id in (select id from abandoned))
    select kind from abandoned`;
}

export async function dropExpired(query: Query, now: Date, limit: number): Promise<number> {
  const { count } = await query`
    delete from reports where id in (
      select id from reports where expires_at <= ${now} order by expires_at limit ${limit})`;
  return count;
}

/** How many have waited since before then. */
export const countWaiting = async (query: Query, before: Date): Promise<number> =>
  only(
    await query<{ count: number }[]>`
      select count(*)::int as count from reports
      where status in ('waiting', 'writing') and touched_at < ${before}`,
  ).count;
