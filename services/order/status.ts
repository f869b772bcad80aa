/** Where an order stands. */
export type Status =
  | "pending"
  | "awaiting_payment"
  | "paid"
  | "processing"
  | "shipped"
  | "delivered"
  | "cancelling"
  | "cancelled"
  | "failed"
  | "refunded";

/** Where it can go from there. What is not listed does not happen. */
export const successors: Readonly<Record<Status, readonly Status[]>> = {
  pending: ["awaiting_payment", "failed", "cancelling"],
  awaiting_payment: ["paid", "cancelling"],
  paid: ["processing", "cancelling", "refunded"],
  processing: ["shipped", "cancelling", "refunded"],
  shipped: ["delivered", "refunded"],
  delivered: ["refunded"],
  cancelling: ["cancelled"],
  cancelled: [],
  failed: [],
  refunded: [],
};

/** Nobody will send anything for it any more: money that comes for it goes back. */
const off: ReadonlySet<Status> = new Set(["cancelling", "cancelled", "failed", "refunded"]);
export const isOff = (status: Status): boolean => off.has(status);

/** The goods are still with the seller, though paid. */
export const isBeforeShipping = (status: Status): boolean => status === "paid" || status === "processing";

export const isPaid = (status: Status): boolean =>
  isBeforeShipping(status) || status === "shipped" || status === "delivered";

/** Who had it changed. */
export type Actor = "customer" | "seller" | "admin" | "system";
