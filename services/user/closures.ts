import type { CallOptions } from "@connectrpc/connect";
import { Outcome } from "#gen/security/v1/audit_pb.js";
import type { Database, Logger, Query } from "#mesh";
import { newId } from "#mesh";
import type { Security } from "./security.ts";
import { isRefusal } from "./security.ts";

/**
 * What security still has to do about a user: end all sessions, and, when the
 * account is gone, forget the roles. Asked for in the transaction that makes it
 * necessary and removed when security has done it. A crash, or security being
 * away, delays a closure but cannot lose it.
 */
export interface Closure {
  readonly userId: string;
  /** The account is gone. */
  readonly forget: boolean;
  readonly reason: string;
  /** Who caused it, as the audit record names callers. */
  readonly actor: string;
}

interface ClosureRow extends Closure {
  readonly id: string;
}

/** Most that one sweep takes on. */
const sweepSize = 100;

/** Longest time of one call: rows and a connection are held meanwhile. */
const timeoutMs = 5000;

export async function requestClosure(query: Query, closure: Closure, nowMs: number): Promise<void> {
  await query`insert into closures ${query({ ...closure, id: newId(nowMs), requestedAt: new Date(nowMs) })}`;
}

/**
 * Does what is owed about one user. The rows stay locked meanwhile, so that no
 * other instance can end a session that is opened after this.
 */
export async function settleClosures(
  db: Database,
  security: Security,
  userId: string,
  signal?: AbortSignal,
): Promise<void> {
  // Hardly ever is anything owed: a login should not pay for a transaction to learn that.
  const owed = await db.sql`select 1 from closures where user_id = ${userId} limit 1`;
  if (owed.length === 0) return;
  await db.transaction(async (tx) => {
    const rows = await tx<ClosureRow[]>`
      select id, user_id, forget, reason, actor from closures where user_id = ${userId} order by id for update`;
    for (const row of rows) await settle(tx, security, row, { timeoutMs, ...(signal && { signal }) });
  });
}

/** Does what is owed about anybody, as far as security answers. */
export async function sweepClosures(
  db: Database,
  security: Security,
  log: Logger,
  stopping: AbortSignal,
): Promise<void> {
  // In no order, so that one that is refused again and again does not hold up the others.
  const owed = await db.sql<{ userId: string }[]>`
    select user_id from closures group by user_id order by random() limit ${sweepSize}`;
  for (const { userId } of owed) {
    try {
      await settleClosures(db, security, userId, stopping);
    } catch (error) {
      if (stopping.aborted) return;
      log.warn({ err: error, userId }, "sessions of this user are still to be ended; tried again soon");
      if (!isRefusal(error)) return;
    }
  }
}

async function settle(tx: Query, security: Security, row: ClosureRow, options: CallOptions): Promise<void> {
  const { id, userId, forget, reason, actor } = row;
  await security.tokens.closeUserSessions({ userId, reason }, options);
  if (forget) {
    await security.permissions.forgetUser({ userId }, options);
    const entry = { actor, action: "user.delete", resource: `user/${userId}`, outcome: Outcome.ALLOWED };
    await security.audit.recordAudit(entry, options);
  }
  await tx`delete from closures where id = ${id}`;
}

/** How many users are owed something. */
export async function countClosures(query: Query): Promise<number> {
  const [row] = await query<{ count: number }[]>`select count(distinct user_id)::int as count from closures`;
  return row?.count ?? 0;
}
