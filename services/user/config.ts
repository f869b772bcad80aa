import { duration, integer } from "#mesh";

export const userFields = {
  USER_HASH_CONCURRENCY: integer(0, 64)(
    "Password hashes computed at once; 0 for one fewer than there are cores and threads for it.",
    { fallback: "0" },
  ),
  USER_HASH_QUEUE: integer(0, 10_000)("Password hashes that may wait; more are answered `busy`.", {
    fallback: "64",
  }),
  USER_SWEEP_INTERVAL: duration("How often unfinished deletions are completed and old counters dropped.", {
    fallback: "30s",
  }),
  USER_TEAM_MEMBERS: integer(1, 10_000)("Most members of a team.", { fallback: "500" }),
  USER_TEAMS_OWNED: integer(1, 10_000)("Most teams that one user owns.", { fallback: "100" }),
  USER_TEAM_MEMBERSHIPS: integer(1, 10_000)("Most teams that one user is in.", { fallback: "500" }),
};
