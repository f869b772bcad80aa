import { Basis } from "#gen/security/v1/permissions_pb.js";
import { permits } from "#mesh";
import { ownerMay } from "./ownership.ts";

/** A role and what it permits. */
export interface HeldRole {
  readonly name: string;
  readonly permissions: readonly string[];
}

export interface Target {
  readonly type: string;
  readonly id: string;
  readonly ownerId: string;
  readonly teamId: string;
}

export interface Question {
  readonly userId: string;
  readonly permission: string;
  readonly target: Target | undefined;
}

export interface Decision {
  readonly allowed: boolean;
  readonly basis: Basis;
  readonly reason: string;
}

/** What the role in the resource's team says: unasked for a resource without a team. */
export type TeamRole = HeldRole | "not_member" | "unknown" | undefined;

export function byRole({ permission }: Question, roles: readonly HeldRole[]): Decision | undefined {
  const role = roles.find(({ permissions }) => permits(permissions, permission));
  if (!role) return undefined;
  return { allowed: true, basis: Basis.ROLE, reason: `the role ${role.name} permits ${permission}` };
}

export function byTeamRole({ permission, target }: Question, role: TeamRole): Decision | undefined {
  if (typeof role !== "object" || !permits(role.permissions, permission)) return undefined;
  return {
    allowed: true,
    basis: Basis.TEAM_ROLE,
    reason: `the role ${role.name} in the team ${target?.teamId} permits ${permission}`,
  };
}

export function byOwnership({ userId, permission, target }: Question): Decision | undefined {
  if (!target || target.ownerId !== userId || !ownerMay(target.type, permission)) return undefined;
  return {
    allowed: true,
    basis: Basis.OWNERSHIP,
    reason: `the user owns ${nameOf(target)}, and owners may ${permission}`,
  };
}

/** Why nothing permits it, so that the reader knows whom to ask for what. */
export function notGranted(question: Question, roles: readonly HeldRole[], team: TeamRole): Decision {
  const { userId, permission, target } = question;
  const names = roles.map(({ name }) => name).join(", ");
  const reasons = [names ? `no role of the user (${names}) permits ${permission}` : "the user has no role"];
  if (team === "not_member") reasons.push(`the user is not a member of the team ${target?.teamId}`);
  if (typeof team === "object")
    reasons.push(`neither does the role ${team.name} in the team ${target?.teamId}`);
  if (target?.ownerId) {
    reasons.push(
      target.ownerId === userId
        ? `owning ${nameOf(target)} does not permit it`
        : `the user does not own ${nameOf(target)}`,
    );
  }
  return { allowed: false, basis: Basis.NOT_GRANTED, reason: reasons.join("; ") };
}

const nameOf = ({ type, id }: Target): string => (id ? `the ${type} ${id}` : `the ${type}`);
