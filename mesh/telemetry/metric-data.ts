import type { HrTime } from "@opentelemetry/api";
import { ValueType } from "@opentelemetry/api";
import type { DataPoint, Histogram, MetricData } from "@opentelemetry/sdk-metrics";
import { AggregationTemporality, DataPointType } from "@opentelemetry/sdk-metrics";
import type { MetricFamily, MetricSample } from "../metrics/metrics.ts";

export interface MetricSpan {
  /** Since when counters count. */
  readonly startTime: HrTime;
  readonly endTime: HrTime;
}

/** What `/metrics` shows, in the shape that the OpenTelemetry SDK exports. */
export function metricData(families: readonly MetricFamily[], span: MetricSpan): MetricData[] {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map((family) => dataOf(family, span))
    .filter((data) => data !== undefined);
}

function dataOf(family: MetricFamily, span: MetricSpan): MetricData | undefined {
  const { name, help: description, type } = family;
  const descriptor = { name, description, unit: unitOf(name), valueType: ValueType.DOUBLE };
  const common = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE };
  switch (type) {
    case "counter":
      return {
        ...common,
        dataPointType: DataPointType.SUM,
        isMonotonic: true,
        dataPoints: numbers(family, span),
      };
    case "gauge":
      return { ...common, dataPointType: DataPointType.GAUGE, dataPoints: numbers(family, span) };
    case "histogram":
      return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints: histograms(family, span) };
    // Quantiles cannot be added up, so nothing here makes any.
    case "summary":
      return undefined;
  }
}

const numbers = ({ samples }: MetricFamily, span: MetricSpan): DataPoint<number>[] =>
  samples.map(({ labels, value }) => ({ ...span, attributes: labels, value }));

/** Prometheus writes a histogram as many samples, each bucket with those below it counted in. */
function histograms({ name, samples }: MetricFamily, span: MetricSpan): DataPoint<Histogram>[] {
  const groups = Map.groupBy(samples, ({ labels: { le: _, ...labels } }) =>
    JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))),
  );
  return [...groups.values()].map((group) => {
    const { le: _, ...attributes } = group[0]?.labels ?? {};
    const buckets = group.filter((it) => it.name === `${name}_bucket`).sort((a, b) => bound(a) - bound(b));
    const counts = buckets.map((it, index) => it.value - (buckets[index - 1]?.value ?? 0));
    const boundaries = buckets.map(bound).filter(Number.isFinite);
    const total = (suffix: string) => group.find((it) => it.name === `${name}_${suffix}`)?.value ?? 0;
    const value = { buckets: { boundaries, counts }, sum: total("sum"), count: total("count") };
    return { ...span, attributes, value };
  });
}

const bound = ({ labels: { le } }: MetricSample) => (le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le));

function unitOf(name: string): string {
  if (name.includes("_seconds")) return "s";
  return name.includes("_bytes") ? "By" : "";
}
