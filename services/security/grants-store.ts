import type { Grant, Query } from "#mesh";
import { userKey } from "#mesh";
import { announce } from "./announcements-store.ts";

/** What everybody is who has no other role. */
export const defaultRole = "Customer";
/** The role that must not be lost by its last holder: nobody could give it back. */
export const adminRole = "Admin";

export interface RoleRow {
  readonly name: string;
  readonly description: string;
  readonly permissions: string[];
}

/** Any number will do, as long as every instance uses the same. */
const lockKey = 5_180_002;

/** One role change at a time, so that two cannot both take what is the last of it. */
export async function lockRoles(tx: Query): Promise<void> {
  await tx`select pg_advisory_xact_lock(${lockKey})`;
}

export async function listRoles(query: Query): Promise<RoleRow[]> {
  return query<RoleRow[]>`select name, description, permissions from roles order by rank`;
}

/** A user's roles as of now: those that were given, or the one that everybody has. */
export async function heldRoles(query: Query, userId: string): Promise<RoleRow[]> {
  return query<RoleRow[]>`
    select name, description, permissions from (${held(query, userId)}) as held order by rank`;
}

/** Roles with all that they permit together, and when they were last changed: 0 if that is long ago. */
export interface HeldGrant extends Grant {
  readonly sinceMs: number;
}

/**
 * In one statement: a grant must never be said to be newer than it is. Whoever
 * is removed has the default role again, and yet what was told is that he has none.
 */
export async function grantOf(query: Query, userId: string): Promise<HeldGrant> {
  const rows = await query<(RoleRow & { changedAt: Date | null })[]>`
    select held.*, (
      select changed_at - case when value -> 'roles' = '[]' then interval '1 ms' else interval '0' end
      from announcements where key = ${userKey(userId)}) as changed_at
    from (${held(query, userId)}) as held order by rank`;
  return { ...unionOf(rows), sinceMs: rows[0]?.changedAt?.getTime() ?? 0 };
}

const held = (query: Query, userId: string) => query`
  select name, description, permissions, rank from roles
  where name in (select role from user_roles where user_id = ${userId})
    or (name = ${defaultRole} and not exists (select from user_roles where user_id = ${userId}))`;

/** The permissions of one role; none for a role that is not known. */
export async function permissionsOf(query: Query, role: string): Promise<readonly string[]> {
  const [row] = await query<RoleRow[]>`select permissions from roles where name = ${role}`;
  return row?.permissions ?? [];
}

/** Roles that were given, which may be none. */
export async function givenRoles(query: Query, userId: string): Promise<string[]> {
  const rows = await query<{ role: string }[]>`
    select role from user_roles join roles on name = role where user_id = ${userId} order by rank`;
  return rows.map(({ role }) => role);
}

export async function hasOtherAdmins(tx: Query, userId: string): Promise<boolean> {
  const rows = await tx`select from user_roles where role = ${adminRole} and user_id <> ${userId} limit 1`;
  return rows.length > 0;
}

/** Replaces the roles and sees that running tokens follow. */
export async function setRoles(
  tx: Query,
  userId: string,
  roles: readonly string[],
  nowMs: number,
): Promise<Grant> {
  const now = new Date(nowMs);
  await tx`delete from user_roles where user_id = ${userId}`;
  await tx`insert into user_roles ${tx(roles.map((role) => ({ userId, role, grantedAt: now })))}`;
  const grant = unionOf(await heldRoles(tx, userId));
  await announce(tx, [{ key: userKey(userId), value: { ...grant } }], nowMs);
  return grant;
}

/** Removes the roles; tokens that are still about permit nothing. */
export async function removeRoles(tx: Query, userId: string, nowMs: number): Promise<void> {
  await tx`delete from user_roles where user_id = ${userId}`;
  await announce(tx, [{ key: userKey(userId), value: { roles: [], permissions: [] } }], nowMs);
}

function unionOf(rows: readonly RoleRow[]): Grant {
  return {
    roles: rows.map(({ name }) => name),
    permissions: [...new Set(rows.flatMap(({ permissions }) => permissions))].sort(),
  };
}
