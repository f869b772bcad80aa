/** What the platform itself counts, by what it is about; a dashboard shows it unasked. */
const groups = {
  users: ["users_created", "users_updated", "users_deleted", "logins", "platform_logins"],
  products: [
    "products_created",
    "products_updated",
    "products_deleted",
    "products_sold",
    "stock_updated",
    "stock_low",
    "units_reserved",
    "units_released",
    "units_returned",
    "units_sold",
  ],
  orders: [
    "orders_created",
    "orders_paid",
    "orders_shipped",
    "orders_delivered",
    "orders_cancelled",
    "orders_failed",
    "orders_refunded",
  ],
  payments: ["payments_processed", "payments_failed", "refunds"],
  notifications: ["notifications_sent", "notifications_failed"],
  broadcasts: ["broadcasts_started", "broadcasts_completed", "broadcasts_cancelled"],
  security: ["security_alerts"],
  thresholds: ["thresholds_reached"],
} as const;

export const platformMetrics: readonly string[] = Object.values(groups).flat();

/** What is tracked stands behind this, so it can never be taken for the platform's own. */
export const trackedPrefix = "tracked.";
/** What services record of themselves. */
export const performanceMetric = "service.performance";
export const errorMetric = "service.error";

/** Whether there can be such a metric: one of the platform's, or one that somebody may track. */
export const isMetric = (name: string): boolean =>
  platformMetrics.includes(name) ||
  name === performanceMetric ||
  name === errorMetric ||
  (name.startsWith(trackedPrefix) && name.length > trackedPrefix.length);

/** For the count of facts: names that users choose would be too many. */
export function groupOf(metric: string): string {
  if (metric.startsWith(trackedPrefix)) return "tracked";
  if (metric.startsWith("service.")) return "services";
  const found = Object.entries(groups).find(([, names]) => (names as readonly string[]).includes(metric));
  return found?.[0] ?? "other";
}
