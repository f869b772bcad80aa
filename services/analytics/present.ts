import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { MetricSchema } from "#gen/analytics/v1/analytics_pb.js";
import type { ReportSchema } from "#gen/analytics/v1/reports_pb.js";
import { ReportFormat, ReportKind, ReportStatus } from "#gen/analytics/v1/reports_pb.js";
import type { ThresholdSchema } from "#gen/analytics/v1/thresholds_pb.js";
import { Direction } from "#gen/analytics/v1/thresholds_pb.js";
import type { Series } from "./figures.ts";
import type { ReportRow, Status } from "./reports/reports-store.ts";
import { toBucket } from "./span.ts";
import type { ThresholdRow } from "./thresholds-store.ts";

export const toMetric = ({ points, ...series }: Series): MessageInitShape<typeof MetricSchema> => ({
  ...series,
  points: points.map(({ fromMs, ...point }) => ({ from: timestampFromMs(fromMs), ...point })),
});

export const directions = { rises: Direction.RISES_TO, falls: Direction.FALLS_TO } as const;

export function toThreshold(row: ThresholdRow): MessageInitShape<typeof ThresholdSchema> {
  const { id, ownerId, name, metric, subjectType, subjectId, currency, value, reached, reachedAt } = row;
  return {
    id,
    ownerId,
    name,
    metric,
    subjectType,
    subjectId,
    currency,
    direction: directions[row.direction],
    value,
    window: durationFromMs(Number(row.windowMs)),
    reached,
    ...(reachedAt && { reachedAt: timestampFromDate(reachedAt) }),
    createdAt: timestampFromDate(row.createdAt),
  };
}

export const kinds = {
  metrics: ReportKind.METRICS,
  sales: ReportKind.SALES,
  events: ReportKind.EVENTS,
} as const;

export const formats = { csv: ReportFormat.CSV, json: ReportFormat.JSON } as const;

export const statuses: Readonly<Record<Status, ReportStatus>> = {
  waiting: ReportStatus.WAITING,
  writing: ReportStatus.WRITING,
  ready: ReportStatus.READY,
  failed: ReportStatus.FAILED,
};

/** The name of what the contract shows so; nothing for what it leaves open. */
export const nameOf = <N extends string, V>(names: Readonly<Record<N, V>>, shown: V): N | undefined =>
  (Object.keys(names) as N[]).find((it) => names[it] === shown);

export function toReport(row: ReportRow): MessageInitShape<typeof ReportSchema> {
  const { id, ownerId, kind, format, spanFrom, spanUntil, timeZone, bucket, status, lines, bytes } = row;
  return {
    id,
    ownerId: ownerId ?? "",
    kind: kinds[kind],
    format: formats[format],
    span: { from: timestampFromDate(spanFrom), until: timestampFromDate(spanUntil), timeZone },
    bucket: toBucket(bucket),
    status: statuses[status],
    lines,
    bytes,
    reason: row.reason,
    createdAt: timestampFromDate(row.createdAt),
    ...(row.finishedAt && { finishedAt: timestampFromDate(row.finishedAt) }),
    ...(row.expiresAt && { expiresAt: timestampFromDate(row.expiresAt) }),
  };
}
