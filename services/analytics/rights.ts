import type { UserIdentity } from "#mesh";
import { canonicalId, permits } from "#mesh";
import { adminsOnly } from "./refusals.ts";
import { everybody } from "./rollup-lines.ts";

export const adminPermission = "analytics:admin";

export const isAdmin = (user: UserIdentity): boolean => permits(user.permissions, adminPermission);

/** Whose figures a user is shown who asks for these; all by default for who may see all. */
export function figuresOf(user: UserIdentity, asked = ""): string {
  const wanted = asked === "" ? undefined : canonicalId(asked);
  if (isAdmin(user)) return wanted ?? everybody;
  if (wanted !== undefined && wanted !== user.id) throw adminsOnly();
  return user.id;
}
