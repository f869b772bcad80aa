import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { UserUpdatedSchema } from "#gen/user/v1/events_pb.js";
import type { UserService } from "#gen/user/v1/user_pb.js";
import type { Call, Database, Events, Handlers } from "#mesh";
import { canonicalId, fail, pageSize, permits, requireUser } from "#mesh";
import type { AccountRemoval } from "./account-removal.ts";
import { findAccount, lockAccount, saveProfile } from "./accounts-store.ts";
import type { Audit } from "./audits.ts";
import { profileOf, toPublicProfile, toUser } from "./present.ts";
import { changedFields, distinctPaths, updatedProfile } from "./profile.ts";
import { noUser } from "./refusals.ts";
import { pageOfUsers } from "./user-page.ts";

export interface UsersOptions {
  db: Database;
  events: Events;
  remove: AccountRemoval;
  audit: Audit;
  now: () => number;
}

export function users({ db, events, remove, audit, now }: UsersOptions): Handlers<typeof UserService> {
  const accountOf = async (id: string) => {
    const account = await findAccount(db.sql, id);
    if (!account) throw noUser();
    return account;
  };

  return {
    async getProfile(_request, call) {
      return { user: toUser(await accountOf(requireUser(call).id)) };
    },

    updateProfile: ({ profile = {}, updateMask }, call) =>
      audit.during(call, async (record) => {
        const { id } = requireUser(call);
        const paths = distinctPaths(updateMask?.paths ?? []);
        const account = await db.transaction(async (tx) => {
          const current = await lockAccount(tx, id);
          if (!current) throw noUser();
          const before = profileOf(current);
          const after = updatedProfile(before, profile, paths);
          const fields = changedFields(before, after);
          const at = new Date(now());
          if (fields.length > 0) {
            await events.publish(
              UserUpdatedSchema,
              { userId: id, fields, updatedAt: timestampFromDate(at) },
              tx,
            );
          }
          return saveProfile(tx, current, after, at);
        });
        record({
          action: "user.profile_update",
          resource: `user/${id}`,
          details: { fields: paths.join(",") || "all" },
        });
        return { user: toUser(account) };
      }),

    async getUser({ id }) {
      return { user: toUser(await accountOf(id)) };
    },

    async getUserProfile({ id }) {
      return { profile: toPublicProfile(await accountOf(id)) };
    },

    async listUsers({ pageSize: size, pageToken: token, query, orderBy }) {
      const page = await pageOfUsers(db.sql, { size: pageSize(size), token, query, orderBy });
      return { users: page.rows.map(toUser), nextPageToken: page.nextPageToken };
    },

    async deleteUser(request, call) {
      const id = canonicalId(request.id);
      requireMayDelete(call, id);
      await remove(id, call);
      return {};
    },
  };
}

/** Decided before it is known whether the user exists, so that nobody can find out by asking. */
function requireMayDelete(call: Call, id: string): void {
  const user = requireUser(call);
  if (user.id === id || permits(user.permissions, "user:admin")) return;
  throw fail.denied("not_yours", "only a user himself or an admin may delete an account");
}
