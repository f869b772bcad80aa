import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { ThresholdReachedSchema } from "#gen/analytics/v1/events_pb.js";
import type { Database, Events, Logger, Loop } from "#mesh";
import { startLoop } from "#mesh";
import { countsForMs } from "./admins.ts";
import type { AnalyticsMetrics } from "./analytics-metrics.ts";
import { quarterAfter } from "./span.ts";
import type { Measured } from "./thresholds-store.ts";
import { setReached, takeDue } from "./thresholds-store.ts";

export interface WatchingOptions {
  db: Database;
  events: Events;
  metrics: AnalyticsMetrics;
  everyMs: number;
  now: () => number;
  paceMs: number;
  /** Finds out who may still see everybody's figures. */
  checkAdmins: () => Promise<void>;
  log: Logger;
  stopping: AbortSignal;
}

const atOnce = 100;

export const isReached = ({ direction, value, measured }: Measured): boolean =>
  direction === "rises" ? measured >= value : measured <= value;

/** Holds figures against all thresholds that are due; several replicas share them. */
export function startWatch(options: WatchingOptions): Loop {
  const { db, events, metrics, everyMs, paceMs, checkAdmins, log, now, stopping } = options;
  const round = () =>
    db.transaction(async (tx) => {
      const nowMs = now();
      const at = new Date(nowMs);
      // What happens right now is in the quarter that is not over.
      const until = new Date(quarterAfter(nowMs + 1));
      const due = await takeDue(tx, {
        checkedBefore: new Date(nowMs - everyMs),
        rightsSince: new Date(nowMs - countsForMs),
        now: at,
        until,
        limit: atOnce,
      });
      const changed = due.filter((it) => isReached(it) !== it.reached);
      for (const it of changed) {
        const {
          id: thresholdId,
          ownerId,
          name,
          metric,
          subjectType,
          subjectId,
          currency,
          value,
          measured,
        } = it;
        await setReached(tx, it.id, it.reached ? null : at);
        if (it.reached) continue;
        const told = { thresholdId, ownerId, name, metric, subjectType, subjectId, currency };
        const figures = { limit: value, value: measured, reachedAt: timestampFromDate(at) };
        await events.publish(ThresholdReachedSchema, { ...told, ...figures }, tx);
      }
      const reached = changed.filter((it) => !it.reached).length;
      return { checked: due.length, reached, left: changed.length - reached };
    });

  return startLoop({
    everyMs: Math.min(everyMs, paceMs),
    stopping,
    work: async () => {
      await checkAdmins();
      for (let checked = atOnce; checked === atOnce && !stopping.aborted; ) {
        const counts = await round();
        checked = counts.checked;
        metrics.thresholds("checked", counts.checked);
        metrics.thresholds("reached", counts.reached);
        metrics.thresholds("left", counts.left);
      }
    },
    failed: (err) => log.warn({ err }, "thresholds could not be looked at; tried again later"),
  });
}
