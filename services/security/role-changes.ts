import type { Call, Grant, Query } from "#mesh";
import { describeCaller, fail } from "#mesh";
import type { AuditTrail } from "./audit-trail.ts";
import { ownEntry } from "./audit-trail.ts";
import {
  adminRole,
  defaultRole,
  givenRoles,
  hasOtherAdmins,
  listRoles,
  lockRoles,
  removeRoles,
  setRoles,
} from "./grants-store.ts";
import { closeSessionsOf, forgetSessionsOf } from "./sessions-store.ts";
import { forgetSignInsOf } from "./sign-ins-store.ts";
import type { WriteStore } from "./write-store.ts";

/** The roles that people may give themselves. */
const choosable: readonly string[] = ["Customer", "Seller"];

export interface RoleChangesOptions {
  store: WriteStore;
  audit: AuditTrail;
  now: () => number;
}

/** Changes of roles. Each is in the audit record or did not happen. */
export interface RoleChanges {
  set(userId: string, roles: readonly string[], call: Call): Promise<Grant>;
  /** Answers with the role that the user has, which is the wanted one unless there was one before. */
  assignInitial(userId: string, wanted: string, call: Call): Promise<string>;
  forget(userId: string, call: Call): Promise<void>;
  /** The same as part of what a transaction does. */
  forgetWithin(tx: Query, userId: string, call: Call): Promise<void>;
}

export function createRoleChanges({ store, audit, now }: RoleChangesOptions): RoleChanges {
  const note = (tx: Query, call: Call, action: string, userId: string, details: Record<string, string>) =>
    audit.append(tx, {
      ...ownEntry,
      actor: describeCaller(call.caller),
      action,
      resource: `user/${userId}`,
      requestId: call.correlationId,
      details,
    });

  const forgetWithin = async (tx: Query, userId: string, call: Call) => {
    await lockRoles(tx);
    const before = await givenRoles(tx, userId);
    await closeSessionsOf(tx, userId, "account_deleted", now());
    await forgetSessionsOf(tx, userId);
    await forgetSignInsOf(tx, userId);
    await removeRoles(tx, userId, now());
    if (before.length > 0) await note(tx, call, "role.forget", userId, { before: before.join(",") });
  };

  return {
    set: (userId, roles, call) =>
      store.write(async (tx) => {
        await lockRoles(tx);
        await requireKnown(tx, roles);
        const before = await givenRoles(tx, userId);
        const losesAdmin = before.includes(adminRole) && !roles.includes(adminRole);
        if (losesAdmin && !(await hasOtherAdmins(tx, userId))) {
          throw fail.precondition("last_admin", `this user is the last with the role ${adminRole}`, {
            remedy: `give the role ${adminRole} to somebody else first`,
          });
        }
        const grant = await setRoles(tx, userId, roles, now());
        const [from, to] = [before.join(",") || defaultRole, grant.roles.join(",")];
        await note(tx, call, "role.set", userId, { before: from, after: to });
        return grant;
      }),

    assignInitial: (userId, wanted, call) => {
      const role = wanted || defaultRole;
      if (!choosable.includes(role)) {
        throw fail.invalid("role_not_choosable", `role: "${role}" cannot be chosen at registration`, {
          remedy: `choose one of ${choosable.join(", ")}`,
        });
      }
      return store.write(async (tx) => {
        await lockRoles(tx);
        const [present] = await givenRoles(tx, userId);
        if (present) return present;
        await setRoles(tx, userId, [role], now());
        await note(tx, call, "role.assign", userId, { role });
        return role;
      });
    },

    forget: (userId, call) => store.write((tx) => forgetWithin(tx, userId, call)),

    forgetWithin: (tx, userId, call) => {
      store.tellAfter(tx);
      return forgetWithin(tx, userId, call);
    },
  };
}

async function requireKnown(tx: Query, wanted: readonly string[]): Promise<void> {
  const known = (await listRoles(tx)).map(({ name }) => name);
  const unknown = wanted.filter((role) => !known.includes(role));
  if (unknown.length === 0) return;
  throw fail.invalid("unknown_role", `roles: ${unknown.map((it) => `"${it}"`).join(", ")} is not a role`, {
    remedy: `the roles are ${known.join(", ")}`,
  });
}
