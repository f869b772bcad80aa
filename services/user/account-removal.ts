import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { UserDeletedSchema } from "#gen/user/v1/events_pb.js";
import type { Call, Database, Events, Query } from "#mesh";
import { asService, describeCaller, fail } from "#mesh";
import { eraseAccount, lockAccount, wasDeleted } from "./accounts-store.ts";
import { requestClosure, settleClosures } from "./closures.ts";
import type { Pseudonyms } from "./pseudonyms.ts";
import { noUser } from "./refusals.ts";
import type { Security } from "./security.ts";
import { deleteTeamsOf, sharedTeamsOf } from "./teams-store.ts";
import { shown } from "./text.ts";
import { forgetAccountFailures } from "./throttle-store.ts";

export interface AccountRemovalOptions {
  db: Database;
  events: Events;
  security: Security;
  pseudonyms: Pseudonyms;
  now: () => number;
}

/**
 * Deletes accounts in two steps: all that is kept here goes in one transaction,
 * which also asks for the closure at security; then the closure is settled. A
 * failure in between is answered as such, so that nobody believes the sessions
 * ended; trying again, or the next sweep, completes it.
 */
export function createAccountRemoval({ db, events, security, pseudonyms, now }: AccountRemovalOptions) {
  return async (id: string, call: Call): Promise<void> => {
    await db.transaction(async (tx) => {
      const account = await lockAccount(tx, id);
      if (!account) {
        if (await wasDeleted(tx, id)) return;
        throw noUser();
      }
      await requireNoSharedTeams(tx, id);
      await deleteTeamsOf(tx, id);
      await forgetAccountFailures(tx, pseudonyms.account(account.emailKey));
      const deletedAt = new Date(now());
      await eraseAccount(tx, id, deletedAt);
      await events.publish(UserDeletedSchema, { userId: id, deletedAt: timestampFromDate(deletedAt) }, tx);
      const closure = { userId: id, forget: true, reason: "the account was deleted" };
      await requestClosure(tx, { ...closure, actor: describeCaller(call.caller) }, now());
    });
    await asService(call, () => settleClosures(db, security, id)).catch((cause: unknown) => {
      throw fail.unavailable(
        "deletion_unfinished",
        "the account is deleted, but its sessions have not ended yet",
        {
          remedy: "they will within a minute without your doing; trying again is safe",
          retryAfterMs: 5000,
          cause,
        },
      );
    });
  };
}

export type AccountRemoval = ReturnType<typeof createAccountRemoval>;

/** Most teams that the error names. */
const namedTeams = 10;

async function requireNoSharedTeams(tx: Query, userId: string): Promise<void> {
  const teams = await sharedTeamsOf(tx, userId);
  if (teams.length === 0) return;
  const names = teams.slice(0, namedTeams).map(({ name, id }) => `${shown(name)} (${id})`);
  const more = teams.length > namedTeams ? ` and ${teams.length - namedTeams} more` : "";
  throw fail.precondition(
    "owns_teams",
    `this user owns teams with other members: ${names.join(", ")}${more}`,
    {
      remedy: "delete these teams or remove their members first",
      metadata: {
        team_ids: teams
          .slice(0, namedTeams)
          .map(({ id }) => id)
          .join(","),
      },
    },
  );
}
