import type { Call } from "#mesh";
import { permits } from "#mesh";
import type { ProductRow } from "./products-store.ts";
import { noProduct, notYours } from "./refusals.ts";

type Owned = Pick<ProductRow, "sellerId" | "status" | "deletedAt">;

export const isAdmin = ({ caller: { user } }: Call): boolean =>
  user !== undefined && permits(user.permissions, "product:admin");

/** The seller herself, or an admin. */
export const mayChange = (call: Call, { sellerId }: Pick<ProductRow, "sellerId">): boolean =>
  call.caller.user?.id.toLowerCase() === sellerId || isAdmin(call);

/** What is deleted or not shown to this caller looks as if it were not there. */
export function requireVisible<P extends Owned>(call: Call, product: P | undefined): P {
  if (!product || product.deletedAt) throw noProduct();
  if (product.status === "draft" && !mayChange(call, product)) throw noProduct();
  return product;
}

export function requireMayChange<P extends Owned>(call: Call, product: P | undefined): P {
  const visible = requireVisible(call, product);
  if (!mayChange(call, visible)) throw notYours();
  return visible;
}
