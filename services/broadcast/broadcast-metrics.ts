import type { Metrics } from "#mesh";
import type { UnderWay } from "./due-store.ts";
import type { Active } from "./status.ts";

/** What became of an attempt to reach somebody. */
export type RecipientOutcome = "sent" | "failed" | "skipped" | "retried";

export interface BroadcastMetrics {
  recipients(outcome: RecipientOutcome, count: number): void;
  ended(status: string): void;
  show(underWay: readonly UnderWay[], nowMs: number): void;
}

const active: readonly Active[] = ["scheduled", "gathering", "sending"];

export function createBroadcastMetrics(metrics: Metrics): BroadcastMetrics {
  const recipients = metrics.counter({
    name: "weft_broadcast_recipients_total",
    help: "Recipients by what became of them. Those that are `retried` come again.",
    labels: ["outcome"],
  });
  const ended = metrics.counter({
    name: "weft_broadcasts_ended_total",
    help: "Broadcasts that are over, by how they ended.",
    labels: ["status"],
  });
  const underWay = metrics.gauge({
    name: "weft_broadcasts",
    help: "Broadcasts that are scheduled or go on, by status.",
    labels: ["status"],
  });
  const oldest = metrics.gauge({
    name: "weft_broadcast_oldest_due_seconds",
    help: "For how long the broadcast that waits longest could have gone on.",
  });
  return {
    recipients: (outcome, count) => {
      if (count > 0) recipients.inc({ outcome }, count);
    },
    ended: (status) => ended.inc({ status }),
    show(rows, nowMs) {
      for (const status of active) {
        underWay.set({ status }, rows.find((it) => it.status === status)?.count ?? 0);
      }
      const due = rows.flatMap(({ oldestDue }) => (oldestDue ? [oldestDue.getTime()] : []));
      oldest.set(Math.max(0, nowMs - Math.min(nowMs, ...due)) / 1000);
    },
  };
}
