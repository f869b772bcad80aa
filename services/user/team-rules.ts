import { fail } from "#mesh";
import { ownerRole, type TeamRow } from "./teams-store.ts";

type Owned = Pick<TeamRow, "ownerId">;

/** For members only: a stranger must not learn that the team exists. */
export function requireOwner(team: Owned, userId: string): void {
  if (team.ownerId === userId) return;
  throw fail.denied("not_team_owner", "only the owner of the team may do this", {
    remedy: "ask the owner",
  });
}

export function requireOwnerStays(team: Owned, leavingId: string): void {
  if (team.ownerId !== leavingId) return;
  throw fail.precondition("owner_stays", "the owner cannot leave the team", {
    remedy: "delete the team instead",
  });
}

export function requireOwnerKeepsRole(team: Owned, userId: string, role: string): void {
  if (team.ownerId !== userId || role === ownerRole) return;
  throw fail.precondition("owner_is_manager", `the owner is always ${ownerRole} of the team`, {
    remedy: "change the role of another member",
  });
}
