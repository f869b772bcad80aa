import type { Query } from "#mesh";
import { sessionKey } from "#mesh";
import { announce } from "./announcements-store.ts";

export interface SessionRow {
  readonly id: string;
  readonly userId: string;
  readonly email: string;
  readonly expiresAt: Date;
  readonly closedAt: Date | null;
  readonly closeReason: string | null;
}

export interface NewSession {
  readonly id: string;
  readonly userId: string;
  readonly email: string;
  readonly address: string;
  readonly userAgent: string;
  readonly openedAt: Date;
  readonly expiresAt: Date;
}

export interface RefreshTokenRow {
  readonly expiresAt: Date;
  readonly spentAt: Date | null;
}

export async function insertSession(tx: Query, session: NewSession): Promise<void> {
  await tx`insert into sessions ${tx({ ...session, usedAt: session.openedAt })}`;
}

export async function findSession(query: Query, id: string): Promise<SessionRow | undefined> {
  const [row] = await query<SessionRow[]>`
    select id, user_id, email, expires_at, closed_at, close_reason from sessions where id = ${id}`;
  return row;
}

/** The session of a refresh token, spent or not; nobody else changes either until the transaction ends. */
export async function lockSessionOf(tx: Query, hash: Uint8Array): Promise<SessionRow | undefined> {
  const [row] = await tx<SessionRow[]>`
    select id, user_id, email, expires_at, closed_at, close_reason from sessions
    where id = (select session_id from refresh_tokens where hash = ${hash}) for update`;
  return row;
}

export async function sessionIdOf(query: Query, hash: Uint8Array): Promise<string | undefined> {
  const [row] = await query<{ sessionId: string }[]>`
    select session_id from refresh_tokens where hash = ${hash}`;
  return row?.sessionId;
}

export async function findRefreshToken(tx: Query, hash: Uint8Array): Promise<RefreshTokenRow | undefined> {
  const [row] = await tx<RefreshTokenRow[]>`
    select expires_at, spent_at from refresh_tokens where hash = ${hash}`;
  return row;
}

export async function insertRefreshToken(
  tx: Query,
  token: { hash: Uint8Array; sessionId: string; expiresAt: Date },
): Promise<void> {
  await tx`insert into refresh_tokens ${tx(token)}`;
}

export async function spendRefreshToken(tx: Query, hash: Uint8Array, now: Date): Promise<void> {
  await tx`update refresh_tokens set spent_at = ${now} where hash = ${hash}`;
}

export async function touchSession(
  tx: Query,
  id: string,
  { address, userAgent, usedAt }: { address: string; userAgent: string; usedAt: Date },
): Promise<void> {
  await tx`
    update sessions set used_at = ${usedAt}, address = ${address}, user_agent = ${userAgent} where id = ${id}`;
}

/** Ends a session everywhere; false when it has ended already. */
export async function closeSession(tx: Query, id: string, reason: string, nowMs: number): Promise<boolean> {
  return (await close(tx, tx`id = ${id}`, reason, nowMs)) > 0;
}

/** Ends all sessions of a user; answers how many there were. */
export async function closeSessionsOf(
  tx: Query,
  userId: string,
  reason: string,
  nowMs: number,
): Promise<number> {
  return close(tx, tx`user_id = ${userId}`, reason, nowMs);
}

/** Removes what is known of a user's sessions. Close them first. */
export async function forgetSessionsOf(tx: Query, userId: string): Promise<void> {
  await tx`delete from sessions where user_id = ${userId}`;
}

async function close(tx: Query, which: ReturnType<Query>, reason: string, nowMs: number): Promise<number> {
  const rows = await tx<{ id: string }[]>`
    update sessions set closed_at = ${new Date(nowMs)}, close_reason = ${reason}
    where ${which} and closed_at is null and expires_at > ${new Date(nowMs)} returning id`;
  await announce(
    tx,
    rows.map(({ id }) => ({ key: sessionKey(id), value: { reason } })),
    nowMs,
  );
  return rows.length;
}
