import { durationMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { MetricsService } from "#gen/analytics/v1/metrics_pb.js";
import type { Call, Database, Handlers } from "#mesh";
import { canonicalId, cleanText } from "#mesh";
import { idOf, idOrNull } from "./facts/fact.ts";
import { errorMetric, performanceMetric } from "./facts/names.ts";
import { toMetric } from "./present.ts";
import { healthOfServices } from "./service-health.ts";
import { spanOf } from "./span.ts";
import type { Tracking } from "./tracking.ts";
import { factOf, timeOf } from "./tracking.ts";
import { sumsOfUser, visitsOf } from "./user-stats-store.ts";

export interface MetricsOptions {
  db: Database;
  tracking: Tracking;
  now: () => number;
}

const usualHours = 24;
const hourMs = 60 * 60_000;

const nothing = {
  userId: null,
  ownerId: null,
  currency: "",
  amount: null,
  value: null,
  tags: [],
  properties: {},
} as const;

/** What services tell of what happens with them. */
export function metrics({ db, tracking, now }: MetricsOptions): Handlers<typeof MetricsService> {
  return {
    async trackEvent({ event, userId, ownerId }, call) {
      // The contract requires it.
      if (!event) return { counted: false };
      const fact = factOf(event, senderOf(call), now(), "event.");
      const whose = { userId: idOrNull(userId), ownerId: idOrNull(ownerId) };
      return { counted: await tracking.ofService({ ...fact, ...whose }) };
    },

    async trackLogin({ id, userId, platform, occurredAt }, call) {
      const counted = await tracking.ofService({
        ...nothing,
        id: idOf(senderOf(call), "login", canonicalId(id)),
        occurredAt: timeOf(occurredAt, now(), "occurred_at"),
        metric: "platform_logins",
        userId: canonicalId(userId),
        subjectType: "platform",
        subjectId: platform,
      });
      return { counted };
    },

    async getUserStats(request) {
      const userId = canonicalId(request.userId);
      const { fromMs, untilMs } = spanOf(request.span, now());
      const span = { from: new Date(fromMs), until: new Date(untilMs) };
      const before = { from: new Date(2 * fromMs - untilMs), until: span.from };
      const rows = await sumsOfUser(db.sql, userId, { ...span, before: before.from });
      const { firstAt, lastAt } = await visitsOf(db.sql, userId);
      return {
        metrics: rows.map((row) => toMetric({ ...row, points: [] })),
        ...(firstAt && { firstSeenAt: timestampFromDate(firstAt) }),
        ...(lastAt && { lastSeenAt: timestampFromDate(lastAt) }),
      };
    },

    async recordPerformance({ id, operation, took, failed, occurredAt }, call) {
      await tracking.ofService({
        ...nothing,
        id: idOf(senderOf(call), "performance", canonicalId(id)),
        occurredAt: timeOf(occurredAt, now(), "occurred_at"),
        metric: performanceMetric,
        subjectType: "service",
        subjectId: serviceOf(call),
        value: took ? durationMs(took) : 0,
        properties: { operation, failed: `${failed}` },
      });
      return {};
    },

    async logError({ id, code, text, occurredAt }, call) {
      await tracking.ofService({
        ...nothing,
        id: idOf(senderOf(call), "error", canonicalId(id)),
        occurredAt: timeOf(occurredAt, now(), "occurred_at"),
        metric: errorMetric,
        subjectType: "service",
        subjectId: serviceOf(call),
        properties: { code, text: cleanText(text) },
      });
      return {};
    },

    async getServiceHealth({ hours }) {
      const from = new Date(now() - (hours || usualHours) * hourMs);
      return { services: await healthOfServices(db.sql, from) };
    },
  };
}

/** The contract lets services in alone. */
const serviceOf = ({ caller: { service } }: Call) => service?.name ?? "";
const senderOf = (call: Call) => `service:${serviceOf(call)}`;
