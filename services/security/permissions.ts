import { Outcome } from "#gen/security/v1/audit_pb.js";
import type { CheckPermissionRequest, PermissionService, Resource } from "#gen/security/v1/permissions_pb.js";
import type { TeamService } from "#gen/user/v1/team_pb.js";
import type { Call, Clients, Database, Handlers } from "#mesh";
import { canonicalId, cleanText, describeCaller, edge, fail, permits } from "#mesh";
import type { AuditTrail } from "./audit-trail.ts";
import { ownEntry } from "./audit-trail.ts";
import type { Decision, Question, Target, TeamRole } from "./decision.ts";
import { byOwnership, byRole, byTeamRole, notGranted } from "./decision.ts";
import { adminRole, grantOf, heldRoles, listRoles, permissionsOf } from "./grants-store.ts";
import type { RoleChanges } from "./role-changes.ts";
import { createSampler } from "./sampler.ts";

export interface PermissionsDeps {
  db: Database;
  calls: Clients<{ teams: typeof TeamService }>;
  changes: RoleChanges;
  trail: AuditTrail;
  now: () => number;
}

/** Users can make services ask, so denials must not fill a record that is kept for ever. */
const auditEveryMs = 10_000;

export const permissions = ({
  db,
  calls,
  changes,
  trail,
  now,
}: PermissionsDeps): Handlers<typeof PermissionService> => {
  const sampler = createSampler({ everyMs: auditEveryMs, now });

  const recordDenial = async (question: Question, decision: Decision, call: Call) => {
    const { userId, permission } = question;
    // Who asks about himself is denied nothing yet, and could ask for ever.
    if (!isService(call) && call.caller.user?.id === userId) return;
    const held = sampler.admit(`${userId} ${permission}`);
    if (held !== undefined) await trail.tryRecord(denial(question, decision, held, call));
  };

  const teamRole = async (question: Question, call: Call): Promise<TeamRole> => {
    const { teamId } = question.target ?? {};
    if (!teamId) return undefined;
    try {
      const { member, role } = await calls.teams.getMembership({ teamId, userId: question.userId });
      return member ? { name: role, permissions: await permissionsOf(db.sql, role) } : "not_member";
    } catch (error) {
      call.log.warn({ err: error, teamId }, "the role in the team is not known now");
      return "unknown";
    }
  };

  const decide = async (question: Question, call: Call): Promise<Decision> => {
    const roles = await heldRoles(db.sql, question.userId);
    const granted = byRole(question, roles);
    if (granted) return granted;
    const team = await teamRole(question, call);
    const decision = byTeamRole(question, team) ?? byOwnership(question);
    if (decision) return decision;
    // Neither yes nor no would be true.
    if (team === "unknown") {
      throw fail.unavailable("membership_unknown", "the user's role in the team cannot be found out now", {
        remedy: "try again when the user service is back",
        retryAfterMs: 1000,
      });
    }
    return notGranted(question, roles, team);
  };

  return {
    /**
     * Whose a resource is and which team it belongs to is believed when a service
     * asks, since it looked at the resource. A user without a service could claim
     * to own anything, so he is answered by his roles alone.
     */
    async checkPermission(request, call) {
      const question = questionOf(request, isService(call));
      requireMayAsk(call, question.userId);
      const decision = await decide(question, call);
      if (!decision.allowed) await recordDenial(question, decision, call);
      return { ...decision };
    },

    async getUserPermissions({ userId }) {
      const { roles, permissions: permitted } = await grantOf(db.sql, userId);
      return { roles: [...roles], permissions: [...permitted] };
    },

    async setUserRoles({ userId, roles }, call) {
      const grant = await changes.set(canonicalId(userId), roles, call);
      return { roles: [...grant.roles], permissions: [...grant.permissions] };
    },

    assignInitialRole: async ({ userId, role }, call) => ({
      role: await changes.assignInitial(canonicalId(userId), role, call),
    }),

    async forgetUser({ userId }, call) {
      await changes.forget(canonicalId(userId), call);
      return {};
    },

    async listRoles() {
      return { roles: await listRoles(db.sql) };
    },
  };
};

/** A service that looked at the resource itself; the gateway only repeats what its caller claims. */
const isService = ({ caller: { service } }: Call): boolean => service !== undefined && service.name !== edge;

/** What others may do is not everybody's business, also when a service carries the question. */
function requireMayAsk({ caller: { user } }: Call, aboutId: string): void {
  if (!user || user.id === aboutId || permits(user.permissions, "security:read")) return;
  throw fail.denied("others_permissions", "asking what others may do needs the permission security:read", {
    remedy: `ask about yourself, or let somebody with the role ${adminRole} ask`,
  });
}

function questionOf(
  { userId, permission, resource }: CheckPermissionRequest,
  factsBelieved: boolean,
): Question {
  const target = resource && targetOf(resource);
  return {
    userId: canonicalId(userId),
    permission,
    target: target && (factsBelieved ? target : { ...target, ownerId: "", teamId: "" }),
  };
}

const targetOf = ({ type, id, ownerId, teamId }: Resource): Target => ({
  type: cleanText(type),
  id: cleanText(id),
  ownerId: canonicalId(ownerId),
  teamId: canonicalId(teamId),
});

const denial = (
  { userId, permission, target }: Question,
  { reason }: Decision,
  held: number,
  call: Call,
) => ({
  ...ownEntry,
  actor: `user:${userId}`,
  action: "permission.check",
  resource: target ? `${target.type}/${target.id}` : "",
  outcome: Outcome.DENIED,
  requestId: call.correlationId,
  details: {
    permission,
    reason,
    asked_by: describeCaller(call.caller),
    ...(held > 0 && { unrecorded_before: String(held) }),
  },
});
