import type { Metrics } from "#mesh";
import type { ChannelName } from "./channels.ts";

export interface NotificationMetrics {
  made(topic: string): void;
  /** `status` is the one it has from now on; `retried` for an attempt after which there is another. */
  delivered(channel: ChannelName, status: string, provider: string): void;
}

export function createNotificationMetrics(metrics: Metrics): NotificationMetrics {
  const made = metrics.counter({
    name: "weft_notifications_total",
    help: "Notifications that were made.",
  });
  const deliveries = metrics.counter({
    name: "weft_notification_deliveries_total",
    help: "Deliveries by how they ended; `retried` are attempts that will be repeated.",
    labels: ["channel", "outcome", "provider"],
  });
  return {
    // Topics are the callers' to invent, and so no label.
    made: () => made.inc(),
    delivered: (channel, outcome, provider) =>
      deliveries.inc({ channel, outcome, provider: provider || "none" }),
  };
}
