import { fail } from "#mesh";

/** How much there may be, so that reading a team or a user's teams stays cheap. */
export interface TeamLimits {
  readonly members: number;
  /** Teams that one user owns. */
  readonly owned: number;
  /** Teams that one user is in. Apart from `owned`, so that others cannot use up what he may own. */
  readonly memberships: number;
}

export function requireFewOwnedTeams({ owned }: TeamLimits, count: number): void {
  if (count < owned) return;
  throw fail.precondition("too_many_teams", `you own ${count} teams, and ${owned} is the most`, {
    remedy: "delete one that is no longer needed",
  });
}

export function requireFewMembers({ members }: TeamLimits, count: number): void {
  if (count < members) return;
  throw fail.precondition("team_full", `the team has ${count} members, and ${members} is the most`, {
    remedy: "remove one or make another team",
  });
}

export function requireFewMemberships({ memberships }: TeamLimits, count: number): void {
  if (count < memberships) return;
  throw fail.precondition(
    "too_many_memberships",
    `this user is in ${memberships} teams already, which is the most`,
    {
      remedy: "ask him to leave one",
    },
  );
}
