import type { Call } from "#mesh";
import { edge, permits } from "#mesh";
import type { PaymentRow } from "./payments-store.ts";

/** Who may see a payment: its customer, its seller, who deals with all of them, and services that work with it. */
export function maySee(call: Call, payment: Pick<PaymentRow, "customerId" | "sellerId">): boolean {
  const { user } = call.caller;
  if (seesAll(call)) return true;
  return user !== undefined && (user.id === payment.customerId || user.id === payment.sellerId);
}

/** A service that calls on its own; for a user, who may give money back, or deals with all payments. */
export function seesAll({ caller: { user, service } }: Call): boolean {
  if (user) return permits(user.permissions, "payment:admin") || permits(user.permissions, "payment:refund");
  return service !== undefined && service.name !== edge;
}
