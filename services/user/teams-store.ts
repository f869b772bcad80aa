import type { Query } from "#mesh";
import { only } from "#mesh";

export interface TeamRow {
  readonly id: string;
  readonly name: string;
  readonly ownerId: string;
  readonly memberCount: number;
  readonly createdAt: Date;
}

export interface MemberRow {
  readonly userId: string;
  readonly role: string;
  readonly joinedAt: Date;
}

export type NewTeam = Omit<TeamRow, "memberCount">;

/** Role of the owner in the team. */
export const ownerRole = "Manager";

const teamColumns = (query: Query) => query`
  t.id, t.name, t.owner_id, t.created_at,
  (select count(*)::int from team_members c where c.team_id = t.id) as member_count`;

export async function insertTeam(query: Query, team: NewTeam): Promise<TeamRow> {
  await query`insert into teams ${query({ ...team })}`;
  await saveMember(query, team.id, team.ownerId, ownerRole, team.createdAt);
  return { ...team, memberCount: 1 };
}

export async function findTeam(query: Query, id: string): Promise<TeamRow | undefined> {
  const [row] = await query<TeamRow[]>`select ${teamColumns(query)} from teams t where t.id = ${id}`;
  return row;
}

/** The team, its members kept as they are until the transaction ends. */
export async function lockTeam(query: Query, id: string): Promise<TeamRow | undefined> {
  const rows = await query`select 1 from teams where id = ${id} for update`;
  // Read anew: a count in the locking statement would be as old as its start.
  return rows.length > 0 ? findTeam(query, id) : undefined;
}

export async function deleteTeam(query: Query, id: string): Promise<void> {
  await query`delete from teams where id = ${id}`;
}

/** Teams of a member, newest first, beginning after this id. */
export async function teamsOf(
  query: Query,
  userId: string,
  afterId: string | undefined,
  limit: number,
): Promise<TeamRow[]> {
  return query<TeamRow[]>`
    select ${teamColumns(query)} from teams t
    join team_members m on m.team_id = t.id and m.user_id = ${userId}
    ${afterId === undefined ? query`` : query`where t.id < ${afterId}`}
    order by t.id desc
    limit ${limit}`;
}

export async function countOwnedTeams(query: Query, userId: string): Promise<number> {
  return count(await query<Count[]>`select count(*)::int as count from teams where owner_id = ${userId}`);
}

export async function countMemberships(query: Query, userId: string): Promise<number> {
  return count(
    await query<Count[]>`select count(*)::int as count from team_members where user_id = ${userId}`,
  );
}

export async function membersOf(query: Query, teamId: string): Promise<MemberRow[]> {
  return query<MemberRow[]>`
    select user_id, role, joined_at from team_members where team_id = ${teamId} order by joined_at, user_id`;
}

export async function findMember(
  query: Query,
  teamId: string,
  userId: string,
): Promise<MemberRow | undefined> {
  const [row] = await query<MemberRow[]>`
    select user_id, role, joined_at from team_members where team_id = ${teamId} and user_id = ${userId}`;
  return row;
}

/** Adds a member or changes the role of one. */
export async function saveMember(
  query: Query,
  teamId: string,
  userId: string,
  role: string,
  now: Date,
): Promise<MemberRow> {
  const rows = await query<MemberRow[]>`
    insert into team_members (team_id, user_id, role, joined_at)
    values (${teamId}, ${userId}, ${role}, ${now})
    on conflict (team_id, user_id) do update set role = excluded.role
    returning user_id, role, joined_at`;
  return only(rows);
}

export async function removeMember(query: Query, teamId: string, userId: string): Promise<boolean> {
  const { count: removed } = await query`
    delete from team_members where team_id = ${teamId} and user_id = ${userId}`;
  return removed > 0;
}

/** Teams that would lose their owner while others are in them. Locks all his teams. */
export async function sharedTeamsOf(query: Query, ownerId: string): Promise<{ id: string; name: string }[]> {
  await query`select 1 from teams where owner_id = ${ownerId} order by id for update`;
  return query<{ id: string; name: string }[]>`
    select t.id, t.name from teams t
    where t.owner_id = ${ownerId}
      and exists (select 1 from team_members m where m.team_id = t.id and m.user_id <> ${ownerId})
    order by t.id`;
}

export async function deleteTeamsOf(query: Query, ownerId: string): Promise<void> {
  await query`delete from teams where owner_id = ${ownerId}`;
}

interface Count {
  readonly count: number;
}

const count = (rows: readonly Count[]) => only(rows).count;
