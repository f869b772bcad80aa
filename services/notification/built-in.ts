/** The templates that the platform itself sends, each with the variables that it gives. */
export const builtIn = {
  order_confirmed: ["order_id", "order_number", "total"],
  order_failed: ["order_id", "order_number", "reason", "total"],
  order_cancelled: ["order_id", "order_number", "reason", "total"],
  order_refunded: ["order_id", "order_number", "total"],
  payment_refunded: ["amount", "order_id", "order_number"],
  low_stock: ["available", "product_id", "product_name", "variant_id"],
  threshold_reached: ["limit", "metric", "name", "value"],
  security_alert: ["description", "occurrences"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type BuiltIn = keyof typeof builtIn;

export const givenTo = (name: string): readonly string[] | undefined =>
  Object.hasOwn(builtIn, name) ? builtIn[name as BuiltIn] : undefined;
