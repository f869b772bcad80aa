import { AnalyticsService } from "#gen/analytics/v1/analytics_pb.js";
import {
  AggregateDataSchema,
  CalculateEngagementSchema,
  GenerateReportSchema,
} from "#gen/analytics/v1/jobs_pb.js";
import { MetricsService } from "#gen/analytics/v1/metrics_pb.js";
import { ReportService } from "#gen/analytics/v1/reports_pb.js";
import { ThresholdService } from "#gen/analytics/v1/thresholds_pb.js";
import type { Running, Setup } from "#mesh";
import { atMost, handlers, job } from "#mesh";
import { createAdminCheck } from "./admins.ts";
import { createAggregating } from "./aggregating.ts";
import { analytics } from "./analytics.ts";
import { createAnalyticsMetrics } from "./analytics-metrics.ts";
import type { analyticsFields } from "./config.ts";
import { consumers } from "./consumers.ts";
import { startCounting } from "./counting.ts";
import { createEngagement } from "./engagement.ts";
import { createIngest } from "./ingest.ts";
import { metrics } from "./metrics.ts";
import { createPartitions } from "./partitions.ts";
import type { peerContracts } from "./peers.ts";
import { createQuota } from "./quota.ts";
import { createChunks } from "./reports/chunks.ts";
import { reports } from "./reports/reports.ts";
import { countWaiting } from "./reports/reports-store.ts";
import type { Limits } from "./reports/writing.ts";
import { createWriting } from "./reports/writing.ts";
import { thresholds } from "./thresholds.ts";
import { createTracking } from "./tracking.ts";
import { startUpkeep } from "./upkeep.ts";
import { waitsSince } from "./waiting-store.ts";
import { startWatch } from "./watching.ts";

/** What tests replace. */
export interface World {
  now: () => number;
  /** How often it looks for what is to be done by itself. Default: a minute. */
  paceMs: number;
  reportLimits: Limits;
}

type Given = Setup<typeof peerContracts, typeof analyticsFields>;

const minuteMs = 60_000;
/** From then on somebody should look. */
const waitingMs = 15 * minuteMs;
const uncountedMs = minuteMs;
/** How often it looks for facts that a replica put by and did not count. */
const leftMs = 5000;

/** Puts the parts together. */
export const setUp =
  ({ now = Date.now, paceMs = minuteMs, reportLimits }: Partial<World>) =>
  ({ db, calls: peers, events, jobs, config, log, metrics: all, health, stopping }: Given): Running => {
    const measured = createAnalyticsMetrics(all);
    const keepMs = config.ANALYTICS_KEEP;
    const reportKeepMs = config.ANALYTICS_REPORT_KEEP;

    const turn = atMost(1);
    const partitions = createPartitions(db, now);
    const ingest = createIngest({ partitions, metrics: measured, keepMs, now });
    const quota = createQuota(config.ANALYTICS_TRACK_PER_MINUTE, now);
    const tracking = createTracking({ db, ingest, quota, turn, now });
    const sink = createChunks(db, now);
    const write = createWriting({
      db,
      sink,
      metrics: measured,
      keepMs: reportKeepMs,
      ...(reportLimits && { limits: reportLimits }),
      now,
    });

    health.add({
      name: "reports",
      critical: false,
      check: async () => {
        const count = await countWaiting(db.sql, new Date(now() - waitingMs));
        if (count > 0) {
          throw new Error(
            `${count} reports wait for long; see the queue analytics_processing and its workers`,
          );
        }
      },
    });

    health.add({
      name: "counting",
      critical: false,
      check: async () => {
        if (await waitsSince(db.sql, new Date(now() - uncountedMs))) {
          throw new Error("facts of events wait to be counted; the log says what fails");
        }
      },
    });

    const background = { db, metrics: measured, log, now, stopping };
    const counting = startCounting({ ...background, ingest, turn, everyMs: Math.min(paceMs, leftMs) });
    const upkeep = startUpkeep({ ...background, partitions, everyMs: paceMs, keepMs, reportKeepMs });
    const checkAdmins = createAdminCheck({ ...background, permissions: peers.permissions });
    const everyMs = config.ANALYTICS_THRESHOLD_EVERY;
    const watch = startWatch({ ...background, events, checkAdmins, everyMs, paceMs });

    return {
      rpc: [
        handlers(AnalyticsService, analytics({ db, tracking, now })),
        handlers(ReportService, reports({ db, jobs, sink, mostOpen: config.ANALYTICS_REPORTS_WAITING, now })),
        handlers(ThresholdService, thresholds({ db, now })),
        handlers(MetricsService, metrics({ db, tracking, now })),
      ],
      on: consumers({ wake: counting.wake, now }),
      jobs: [
        job(GenerateReportSchema, write, { concurrency: 2 }),
        job(AggregateDataSchema, createAggregating({ db, turn, keepMs, now }), { concurrency: 1 }),
        job(CalculateEngagementSchema, createEngagement({ db, turn, keepMs, now }), { concurrency: 1 }),
      ],
      stop: async () => {
        await Promise.all([counting.ended, upkeep.ended, watch.ended]);
      },
    };
  };
