import type { Counter, Gauge, Histogram } from "prom-client";
import {
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

/** The metrics of one service, served at `/metrics`. Services of one process do not share them. */
export interface Metrics {
  counter<L extends string = never>(options: MetricOptions<L>): Counter<L>;
  gauge<L extends string = never>(
    options: MetricOptions<L> & { collect?: (gauge: Gauge<L>) => void },
  ): Gauge<L>;
  histogram<L extends string = never>(options: MetricOptions<L> & { buckets: number[] }): Histogram<L>;
  render(): Promise<string>;
  readonly contentType: string;
}

export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
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
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
