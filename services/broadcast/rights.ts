import type { UserIdentity } from "#mesh";
import { canonicalId, permits } from "#mesh";
import type { BroadcastRow } from "./broadcasts-store.ts";

export const isAdmin = (user: UserIdentity): boolean => permits(user.permissions, "broadcast:admin");

/** To others it does not exist. */
export const maySee = ({ ownerId }: BroadcastRow, user: UserIdentity): boolean =>
  ownerId === canonicalId(user.id) || isAdmin(user);
