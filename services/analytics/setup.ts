import { AnalyticsService } from "#gen/analytics/v1/analytics_pb.js";
import { AggregateDataSchema, GenerateReportSchema } from "#gen/analytics/v1/jobs_pb.js";
import { MetricsService } from "#gen/analytics/v1/metrics_pb.js";
import { ReportService } from "#gen/analytics/v1/reports_pb.js";
import { ThresholdService } from "#gen/analytics/v1/thresholds_pb.js";
import type { Contracts, Running, Setup } from "#mesh";
import { handlers, job, startLoop } from "#mesh";
import { createAggregating } from "./aggregating.ts";
import { analytics } from "./analytics.ts";
import { createAnalyticsMetrics } from "./analytics-metrics.ts";
import type { analyticsFields } from "./config.ts";
import { consumers } from "./consumers.ts";
import { createIngest } from "./ingest.ts";
import { metrics } from "./metrics.ts";
import { createPartitions } from "./partitions.ts";
import { createQuota } from "./quota.ts";
import { dropQuotas } from "./quota-store.ts";
import { createChunks } from "./reports/chunks.ts";
import { reports } from "./reports/reports.ts";
import { countWaiting, dropExpired, failAbandoned } from "./reports/reports-store.ts";
import type { Limits } from "./reports/writing.ts";
import { createWriting } from "./reports/writing.ts";
import { thresholds } from "./thresholds.ts";
import { createTracking } from "./tracking.ts";
import { createWatch } from "./watching.ts";

/** What tests replace. */
export interface World {
  now: () => number;
  /** How often it looks for what is to be done by itself. Default: a minute. */
  paceMs: number;
  reportLimits: Limits;
}

type Given = Setup<Contracts, typeof analyticsFields>;

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** An attempt that says nothing for longer than it may take in all is none any more. */
const abandonedMs = hourMs;
const dropBatch = 1000;
/** Files are large. */
const expiredBatch = 20;
/** From then on somebody should look. */
const waitingMs = 15 * minuteMs;

/** Puts the parts together. */
export const setUp =
  ({ now = Date.now, paceMs = minuteMs, reportLimits }: Partial<World>) =>
  ({ db, events, jobs, config, log, metrics: all, health, stopping }: Given): Running => {
    const measured = createAnalyticsMetrics(all);
    const keepMs = config.ANALYTICS_KEEP;
    const reportKeepMs = config.ANALYTICS_REPORT_KEEP;
    const everyMs = config.ANALYTICS_THRESHOLD_EVERY;

    const partitions = createPartitions(db, now);
    const ingest = createIngest({ partitions, metrics: measured, keepMs, now });
    const quota = createQuota(config.ANALYTICS_TRACK_PER_MINUTE, now);
    const tracking = createTracking({ db, ingest, quota, now });
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

    const every = (ms: number, what: string, work: () => Promise<void>) =>
      startLoop({
        everyMs: ms,
        stopping,
        work,
        failed: (err) => log.warn({ err }, `${what}; tried again later`),
      });

    const loops = [
      every(paceMs, "partitions could not be made or dropped", async () => {
        await partitions.prepare();
        await partitions.dropBefore(new Date(now() - keepMs));
      }),
      every(paceMs, "what is over could not be removed", async () => {
        const at = new Date(now());
        const abandoned = await failAbandoned(db.sql, {
          writingBefore: new Date(at.getTime() - abandonedMs),
          waitingBefore: new Date(at.getTime() - dayMs),
          now: at,
          expiresAt: new Date(at.getTime() + reportKeepMs),
        });
        for (const { kind } of abandoned) measured.report(kind, "abandoned");
        while (!stopping.aborted && (await dropExpired(db.sql, at, expiredBatch)) === expiredBatch);
        const yesterday = new Date(at.getTime() - 2 * dayMs);
        while (!stopping.aborted && (await dropQuotas(db.sql, yesterday, dropBatch)) === dropBatch);
      }),
      every(
        Math.min(everyMs, paceMs),
        "thresholds could not be looked at",
        createWatch({ db, events, metrics: measured, everyMs, now, stopping }),
      ),
    ];

    return {
      rpc: [
        handlers(AnalyticsService, analytics({ db, tracking, now })),
        handlers(ReportService, reports({ db, jobs, sink, mostOpen: config.ANALYTICS_REPORTS_WAITING, now })),
        handlers(ThresholdService, thresholds({ db, now })),
        handlers(MetricsService, metrics({ db, tracking, now })),
      ],
      on: consumers({ ingest, now }),
      jobs: [
        job(GenerateReportSchema, write, { concurrency: 2 }),
        job(AggregateDataSchema, createAggregating({ db, keepMs, now }), { concurrency: 1 }),
      ],
      stop: async () => {
        await Promise.all(loops.map(({ ended }) => ended));
      },
    };
  };
