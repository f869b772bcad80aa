import type { UserIdentity } from "#mesh";
import { canonicalId, permits } from "#mesh";
import type { BroadcastRow } from "./broadcasts-store.ts";

export const writePermission = "broadcast:write";
export const adminPermission = "broadcast:admin";

export const isAdmin = (user: UserIdentity): boolean => permits(user.permissions, adminPermission);

/** As ids are kept and compared. */
export const idOf = (user: UserIdentity): string => canonicalId(user.id);

/** To others it does not exist. */
export const maySee = ({ ownerId }: Pick<BroadcastRow, "ownerId">, user: UserIdentity): boolean =>
  ownerId === idOf(user) || isAdmin(user);
