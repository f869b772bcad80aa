import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { AnalyticsService } from "#gen/analytics/v1/analytics_pb.js";
import { TrendKind } from "#gen/analytics/v1/analytics_pb.js";
import type { Database, Handlers } from "#mesh";
import { canonicalId, requireUser } from "#mesh";
import { audienceFor } from "./audience.ts";
import { platformMetrics, trackedPrefix } from "./facts/names.ts";
import { figuresFor } from "./figures.ts";
import { engagementRate } from "./post-performance.ts";
import { toMetric } from "./present.ts";
import { requireMetric } from "./require-metric.ts";
import { figuresOf } from "./rights.ts";
import { peopleOf, trendsOf } from "./rollups-store.ts";
import { bucketOf, quarterAfter, spanOf, toBucket } from "./span.ts";
import type { Tracking } from "./tracking.ts";
import { trendOf, usualHours, usualLimit } from "./trends.ts";

export interface AnalyticsOptions {
  db: Database;
  tracking: Tracking;
  now: () => number;
}

const hourMs = 60 * 60_000;

export function analytics({ db, tracking, now }: AnalyticsOptions): Handlers<typeof AnalyticsService> {
  return {
    trackEvents: ({ events }, call) => tracking.ofUser(requireUser(call).id, events),

    async getDashboard(request, call) {
      const ownerId = figuresOf(requireUser(call), request.ownerId);
      const span = spanOf(request.span, now());
      const bucket = bucketOf(request.bucket, span);
      request.metrics.forEach(requireMetric);
      const named = request.metrics.length > 0;
      const metrics = named ? request.metrics : platformMetrics;
      const always = named ? metrics : [];
      const series = await figuresFor(db.sql, { ownerId, metrics, always, span, bucket });
      return {
        dashboard: {
          from: timestampFromMs(span.fromMs),
          until: timestampFromMs(span.untilMs),
          bucket: toBucket(bucket),
          timeZone: span.timeZone,
          metrics: series.map(toMetric),
        },
      };
    },

    async getPostPerformance(request, call) {
      const ownerId = figuresOf(requireUser(call));
      const postId = canonicalId(request.id);
      const span = spanOf(request.span, now());
      const bucket = bucketOf(request.bucket, span);
      const series = await figuresFor(db.sql, { ownerId, subject: ["post", postId], span, bucket });
      const shown = series.map((it) => ({ ...it, name: withoutPrefix(it.name) }));
      const [from, until] = [new Date(span.fromMs), new Date(span.untilMs)];
      return {
        performance: {
          postId,
          metrics: shown.map(toMetric),
          people: await peopleOf(db.sql, { subjectType: "post", subjectId: postId, ownerId, from, until }),
          engagementRate: engagementRate(shown),
        },
      };
    },

    async getAudience(request, call) {
      const ownerId = figuresOf(requireUser(call), request.ownerId);
      return { audience: await audienceFor(db.sql, ownerId, spanOf(request.span, now())) };
    },

    async getTrends({ kind, hours, limit }, call) {
      const ownerId = figuresOf(requireUser(call));
      const lengthMs = (hours || usualHours) * hourMs;
      const untilMs = quarterAfter(now());
      const rows = await trendsOf(db.sql, {
        ...trendOf[kind],
        ownerId,
        before: new Date(untilMs - 2 * lengthMs),
        from: new Date(untilMs - lengthMs),
        until: new Date(untilMs),
        limit: limit || usualLimit,
      });
      const shown = kind === TrendKind.EVENT ? withoutPrefix : (key: string) => key;
      return { trends: rows.map((row) => ({ ...row, key: shown(row.key) })) };
    },
  };
}

const withoutPrefix = (metric: string) =>
  metric.startsWith(trackedPrefix) ? metric.slice(trackedPrefix.length) : metric;
