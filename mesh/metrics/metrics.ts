import type { Counter, Gauge, Histogram } from "prom-client";
import {
  collectDefaultMetrics,
  Counter as PromCounter,
  Gauge as PromGauge,
  Histogram as PromHistogram,
  Registry,
} from "prom-client";

interface MetricOptions<L extends string> {
  name: string;
  help: string;
  labels?: readonly L[];
}

export type Labels = Readonly<Record<string, string | number>>;

/** One number of a metric. In a histogram `name` tells bucket, sum and count apart. */
export interface MetricSample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

/** One metric with all its numbers. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram" | "summary";
  readonly samples: readonly MetricSample[];
}

/** A metric that keeps its own numbers, since each is counted on every call. */
export interface MetricSource {
  readonly name: string;
  readonly help: string;
  readonly type: MetricFamily["type"];
  samples(): MetricSample[];
}

/** The metrics of one service, served at `/metrics`. Services of one process do not share them. */
export interface Metrics {
  counter<L extends string = never>(options: MetricOptions<L>): Counter<L>;
  gauge<L extends string = never>(
    options: MetricOptions<L> & { collect?: (gauge: Gauge<L>) => void },
  ): Gauge<L>;
  histogram<L extends string = never>(options: MetricOptions<L> & { buckets: number[] }): Histogram<L>;
  /** Shows the numbers of a source beside the others. */
  add(source: MetricSource): void;
  /** All metrics as text for Prometheus. */
  render(): Promise<string>;
  /** All metrics as values. */
  read(): Promise<MetricFamily[]>;
  readonly contentType: string;
}

/**
 * CPU, memory and event loop of this process, which all its services show. One
 * registry for all: measuring costs the process something each time it is set up.
 */
let ofProcess: Registry | undefined;

function processRegistry(): Registry {
  if (!ofProcess) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
  }
  return ofProcess;
}

export interface MetricsOptions {
  /** Whether the numbers of the process are shown beside the service's. Default: false. */
  process?: boolean;
}

export function createMetrics(service: string, options: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  const registries = () => (options.process ? [registry, processRegistry()] : [registry]);
  const common = <L extends string>({ name, help, labels = [] }: MetricOptions<L>) => ({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
  });
  return {
    counter: (options) => new PromCounter(common(options)),
    gauge: (options) => {
      const { collect } = options;
      const gauge = new PromGauge({
        ...common(options),
        ...(collect && {
          collect() {
            collect(this);
          },
        }),
      });
      return gauge;
    },
    histogram: (options) => new PromHistogram({ ...common(options), buckets: options.buckets }),
    add: (source) => registry.registerMetric(asProm(source)),
    render: async () => (await Promise.all(registries().map((it) => it.metrics()))).join("\n"),
    read: async () =>
      (await Promise.all(registries().map((it) => it.getMetricsAsJSON()))).flat().map(familyOf),
    contentType: registry.contentType,
  };
}

/** The part of a prom-client metric that its registry uses. */
function asProm(source: MetricSource): Counter {
  const { name, help, type } = source;
  const values = () =>
    source.samples().map(({ name: metricName, labels, value }) => ({ metricName, labels, value }));
  const metric = { name, help, type, get: async () => ({ name, help, type, values: values() }), reset() {} };
  return metric as unknown as Counter;
}

type PromFamily = Awaited<ReturnType<Registry["getMetricsAsJSON"]>>[number];

function familyOf(family: PromFamily): MetricFamily {
  const { name, help } = family;
  // Its types say it is the number of an enum; it is the name.
  const type = family.type as unknown as MetricFamily["type"];
  const values = family.values as readonly { metricName?: string; labels: Labels; value: number }[];
  const samples = values.map(({ metricName = name, labels, value }) => ({ name: metricName, labels, value }));
  return { name, help, type, samples };
}
