import type { TeamService } from "#gen/user/v1/team_pb.js";
import type { Database, Handlers, Query } from "#mesh";
import { canonicalId, decodePage, newId, paged, pagePart, pageSize, requireUser } from "#mesh";
import { lockAccount } from "./accounts-store.ts";
import type { Audit } from "./audits.ts";
import { toMember, toTeam } from "./present.ts";
import { noTeam, noUser } from "./refusals.ts";
import {
  requireFewMembers,
  requireFewMemberships,
  requireFewOwnedTeams,
  type TeamLimits,
} from "./team-limits.ts";
import { requireOwner, requireOwnerKeepsRole, requireOwnerStays } from "./team-rules.ts";
import * as store from "./teams-store.ts";
import { requireName } from "./text.ts";

export interface TeamsOptions {
  db: Database;
  audit: Audit;
  limits: TeamLimits;
  now: () => number;
}

export function teams({ db, audit, limits, now }: TeamsOptions): Handlers<typeof TeamService> {
  return {
    createTeam: (request, call) =>
      audit.during(call, async (record) => {
        const { id: ownerId } = requireUser(call);
        const name = requireName("name", request.name);
        const team = await db.transaction(async (tx) => {
          // Locked, so that teams made at once are counted one after the other.
          if (!(await lockAccount(tx, ownerId))) throw noUser();
          requireFewOwnedTeams(limits, await store.countOwnedTeams(tx, ownerId));
          return store.insertTeam(tx, { id: newId(now()), name, ownerId, createdAt: new Date(now()) });
        });
        record({ action: "team.create", resource: `team/${team.id}` });
        return { team: toTeam(team) };
      }),

    async listTeams({ pageSize: wanted, pageToken }, call) {
      const { id } = requireUser(call);
      const size = pageSize(wanted);
      const rows = await store.teamsOf(db.sql, id, placeOf(pageToken), size + 1);
      const page = paged(rows, size, (team) => [team.id]);
      return { teams: page.rows.map(toTeam), nextPageToken: page.nextPageToken };
    },

    async getTeam(request, call) {
      const id = canonicalId(request.id);
      const team = await teamOfMember(db.sql, id, requireUser(call).id, store.findTeam);
      return { team: toTeam(team), members: (await store.membersOf(db.sql, id)).map(toMember) };
    },

    deleteTeam: (request, call) =>
      audit.during(call, async (record) => {
        const id = canonicalId(request.id);
        const user = requireUser(call);
        await db.transaction(async (tx) => {
          requireOwner(await teamOfMember(tx, id, user.id, store.lockTeam), user.id);
          await store.deleteTeam(tx, id);
        });
        record({ action: "team.delete", resource: `team/${id}` });
        return {};
      }),

    addTeamMember: ({ role, ...request }, call) =>
      audit.during(call, async (record) => {
        const [teamId, userId] = [canonicalId(request.teamId), canonicalId(request.userId)];
        const user = requireUser(call);
        const { member, before } = await db.transaction(async (tx) => {
          const team = await teamOfMember(tx, teamId, user.id, store.lockTeam);
          requireOwner(team, user.id);
          requireOwnerKeepsRole(team, userId, role);
          const before = await store.findMember(tx, teamId, userId);
          if (!before) {
            requireFewMembers(limits, team.memberCount);
            if (!(await lockAccount(tx, userId))) throw noUser();
            requireFewMemberships(limits, await store.countMemberships(tx, userId));
          }
          return { before, member: await store.saveMember(tx, teamId, userId, role, new Date(now())) };
        });
        if (before?.role !== role) {
          const details = { user_id: userId, role, ...(before && { role_before: before.role }) };
          record({ action: "team.member_set", resource: `team/${teamId}`, details });
        }
        return { member: toMember(member) };
      }),

    removeTeamMember: (request, call) =>
      audit.during(call, async (record) => {
        const [teamId, userId] = [canonicalId(request.teamId), canonicalId(request.userId)];
        const user = requireUser(call);
        const removed = await db.transaction(async (tx) => {
          const team = await store.lockTeam(tx, teamId);
          const isMember = team && (await store.findMember(tx, teamId, user.id));
          // Leaving twice is leaving once; it tells a stranger nothing.
          if (!isMember && user.id === userId) return false;
          if (!isMember) throw noTeam();
          requireOwnerStays(team, userId);
          if (user.id !== userId) requireOwner(team, user.id);
          return store.removeMember(tx, teamId, userId);
        });
        if (removed) {
          const details = { user_id: userId };
          record({ action: "team.member_remove", resource: `team/${teamId}`, details });
        }
        return {};
      }),

    async getMembership(request) {
      const [teamId, userId] = [canonicalId(request.teamId), canonicalId(request.userId)];
      const member = await store.findMember(db.sql, teamId, userId);
      if (!member) return {};
      const team = await store.findTeam(db.sql, teamId);
      return { member: true, role: member.role, owner: team?.ownerId === userId };
    },
  };
}

/** The team, for one of its members. To everybody else there is no such team. */
async function teamOfMember(query: Query, teamId: string, userId: string, find: typeof store.findTeam) {
  const team = await find(query, teamId);
  if (!team || !(await store.findMember(query, teamId, userId))) throw noTeam();
  return team;
}

const placeOf = (token: string): string | undefined => decodePage(token, [pagePart.uuid])?.[0];
