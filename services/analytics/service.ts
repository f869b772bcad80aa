import { AnalyticsService } from "#gen/analytics/v1/analytics_pb.js";
import { ThresholdReachedSchema } from "#gen/analytics/v1/events_pb.js";
import { MetricsService } from "#gen/analytics/v1/metrics_pb.js";
import { ReportService } from "#gen/analytics/v1/reports_pb.js";
import { ThresholdService } from "#gen/analytics/v1/thresholds_pb.js";
import { defineService } from "#mesh";
import { analyticsFields } from "./config.ts";
import { peerContracts } from "./peers.ts";
import { setUp, type World } from "./setup.ts";

/** The service, in the real world unless told otherwise. */
export const createAnalyticsService = (world: Partial<World> = {}) =>
  defineService({
    name: "analytics",
    contracts: [AnalyticsService, ReportService, ThresholdService, MetricsService],
    calls: peerContracts,
    publishes: [ThresholdReachedSchema],
    config: analyticsFields,
    database: { migrations: new URL("./migrations/", import.meta.url) },
    setup: setUp(world),
  });

export default createAnalyticsService();
