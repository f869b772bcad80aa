import type { HrTime } from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import type { MetricProducer, PushMetricExporter } from "@opentelemetry/sdk-metrics";
import {
  AggregationTemporality,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import type { Metrics } from "../metrics/metrics.ts";
import type { CollectorState } from "./collector-state.ts";
import { metricData } from "./metric-data.ts";
import type { SpanOrigin } from "./readable-span.ts";

export interface OtlpMetricsOptions {
  url: string;
  headers: Readonly<Record<string, string>>;
  timeoutMs: number;
  intervalMs: number;
  metrics: Metrics;
  origin: SpanOrigin;
  state: CollectorState;
}

/** Sends what `/metrics` shows, at an interval and once more at the end. */
export function createOtlpMetrics(options: OtlpMetricsOptions): { close(): Promise<void> } {
  const { url, headers, timeoutMs, intervalMs, metrics, origin, state } = options;
  const target = new OTLPMetricExporter({ url, headers: { ...headers }, timeoutMillis: timeoutMs });
  const exporter: PushMetricExporter = {
    export(batch, done) {
      target.export(batch, (result) => {
        if (result.code === 0) state.sent();
        else state.failed(1, result.error);
        // The SDK has no use for a failure: it would tell an error handler of the whole process.
        done({ code: 0 });
      });
    },
    selectAggregationTemporality: () => AggregationTemporality.CUMULATIVE,
    forceFlush: () => target.forceFlush(),
    shutdown: () => target.shutdown(),
  };
  const { resource, instrumentationScope } = origin;
  const startTime = hrTimeNow();
  const producer: MetricProducer = {
    async collect() {
      const data = metricData(await metrics.read(), { startTime, endTime: hrTimeNow() });
      const scopeMetrics = [{ scope: instrumentationScope, metrics: data }];
      return { resourceMetrics: { resource, scopeMetrics }, errors: [] };
    },
  };
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: intervalMs,
    exportTimeoutMillis: Math.min(timeoutMs, intervalMs),
    metricProducers: [producer],
  });
  const provider = new MeterProvider({ resource, readers: [reader] });
  return { close: () => provider.shutdown() };
}

function hrTimeNow(): HrTime {
  const ms = Date.now();
  return [Math.floor(ms / 1000), (ms % 1000) * 1e6];
}
