import type { Call, UserIdentity } from "#mesh";
import { permits } from "#mesh";
import type { OrderRow } from "./orders-store.ts";
import type { Actor } from "./status.ts";

export const isAdmin = (user: UserIdentity): boolean => permits(user.permissions, "order:admin");

/** What an order is to a user; nothing when it is none of hers. */
export function partOf({ customerId, sellerId }: OrderRow, user: UserIdentity): Actor | undefined {
  if (customerId === user.id) return "customer";
  if (sellerId === user.id) return "seller";
  return isAdmin(user) ? "admin" : undefined;
}

/** Services that the contract lets in see every order; when one asks for a user, it is shown what she is. */
export const maySee = (row: OrderRow, { caller: { user } }: Call): boolean =>
  user === undefined || partOf(row, user) !== undefined;

export const maySell = ({ sellerId }: OrderRow, user: UserIdentity): boolean =>
  sellerId === user.id || isAdmin(user);
