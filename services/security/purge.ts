import type { Database, Logger, Loop, Query } from "#mesh";
import { startLoop } from "#mesh";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** How long things are kept that are of no more use to anybody but the curious. */
const keepMs = {
  closedSession: 7 * dayMs,
  failedSignIn: hourMs,
  signIn: 90 * dayMs,
  limitHits: hourMs,
};

const everyMs = 5 * minuteMs;
/** Bounds what one statement locks and how long it takes. */
const batch = 5000;

export interface PurgeOptions {
  db: Database;
  log: Logger;
  stopping: AbortSignal;
  now: () => number;
}

/** Keeps removing what has expired. Instances that do so at once do not hurt each other. */
export function startPurge({ db, log, stopping, now }: PurgeOptions): Loop {
  return startLoop({
    everyMs,
    stopping,
    work: () => purgeExpired(db.sql, now(), stopping),
    failed: (error) => log.warn({ err: error }, "what has expired could not be removed; tried again later"),
  });
}

/** Removes what has expired, a batch at a time. */
export async function purgeExpired(query: Query, nowMs: number, stopping?: AbortSignal): Promise<void> {
  for (const statement of statements) {
    while ((await statement(query, nowMs)) === batch && !stopping?.aborted);
  }
}

type Purge = (query: Query, nowMs: number) => Promise<number>;

const statements: readonly Purge[] = [
  async (query, nowMs) =>
    (
      await query`delete from sessions where id in (
        select id from sessions
        where expires_at < ${new Date(nowMs)} or closed_at < ${new Date(nowMs - keepMs.closedSession)}
        limit ${batch} for update skip locked)`
    ).count,
  // Spent ones too: an expired token that is shown again is refused either way.
  async (query, nowMs) =>
    (
      await query`delete from refresh_tokens where hash in (
        select hash from refresh_tokens where expires_at < ${new Date(nowMs)}
        limit ${batch} for update skip locked)`
    ).count,
  async (query, nowMs) =>
    (
      await query`delete from used_assertions where (service, jti) in (
        select service, jti from used_assertions where expires_at < ${new Date(nowMs)} limit ${batch})`
    ).count,
  async (query, nowMs) =>
    (
      await query`delete from announcements where key in (
        select key from announcements where expires_at < ${new Date(nowMs)}
        limit ${batch} for update skip locked)`
    ).count,
  async (query, nowMs) =>
    (
      await query`delete from sign_ins where id in (
        select id from sign_ins
        where (not succeeded and time < ${new Date(nowMs - keepMs.failedSignIn)})
          or (succeeded and time < ${new Date(nowMs - keepMs.signIn)})
        limit ${batch})`
    ).count,
  async (query, nowMs) =>
    (
      await query`delete from limit_hits where (identity, minute) in (
        select identity, minute from limit_hits where minute < ${new Date(nowMs - keepMs.limitHits)}
        limit ${batch})`
    ).count,
];
