import type { Labels, MetricSample, MetricSource } from "../metrics/metrics.ts";

/** A number that is counted up, down or set in place. */
export interface Cell {
  value: number;
}

/** Measurements, counted by size. */
export interface Tally {
  readonly buckets: readonly number[];
  /** One count a bucket, and one for what is larger than all. */
  readonly counts: Float64Array;
  sum: number;
}

/**
 * The numbers of one metric under its label values. prom-client makes one text
 * of all labels for every measurement, which costs more than the measurement.
 */
export interface Series<T> extends MetricSource {
  /** What is counted under these label values; for always the same object, which may be kept. */
  at(first: string, second?: string, third?: string): T;
  remove(first: string, second?: string, third?: string): void;
}

export interface SeriesOptions {
  name: string;
  help: string;
  /** Up to three. */
  labels: readonly string[];
  /** Most combinations of label values; further ones are counted as `other`. Default: 5000. */
  limit?: number;
}

/** Numbers that only grow, or that go up and down. */
export function createCells(type: "counter" | "gauge", options: SeriesOptions): Series<Cell> {
  const { name } = options;
  return createSeries(
    type,
    options,
    () => ({ value: 0 }),
    (labels, { value }) => [{ name, labels, value }],
  );
}

/** Measurements in buckets, as a Prometheus histogram. */
export function createTallies(options: SeriesOptions & { buckets: readonly number[] }): Series<Tally> {
  const { name, buckets } = options;
  return createSeries(
    "histogram",
    options,
    () => ({ buckets, counts: new Float64Array(buckets.length + 1), sum: 0 }),
    (labels, tally) => histogramSamples(name, labels, tally),
  );
}

/** Counts one measurement. */
export function measure(tally: Tally, value: number): void {
  const { buckets, counts } = tally;
  let at = 0;
  while (at < buckets.length && value > (buckets[at] ?? 0)) at++;
  counts[at] = (counts[at] ?? 0) + 1;
  tally.sum += value;
}

const other = "other";

function createSeries<T>(
  type: MetricSource["type"],
  { name, help, labels, limit = 5000 }: SeriesOptions,
  create: () => T,
  samplesOf: (labels: Labels, item: T) => MetricSample[],
): Series<T> {
  const root = new Map<string, Map<string, Map<string, T>>>();
  let size = 0;
  const add = (first: string, second: string, third: string): T => {
    if (size >= limit && first !== other) return at(other, labels[1] && other, labels[2] && other);
    size++;
    const item = create();
    const seconds = root.get(first) ?? new Map<string, Map<string, T>>();
    const thirds = seconds.get(second) ?? new Map<string, T>();
    root.set(first, seconds.set(second, thirds.set(third, item)));
    return item;
  };
  const at = (first: string, second = "", third = ""): T =>
    root.get(first)?.get(second)?.get(third) ?? add(first, second, third);
  return {
    name,
    help,
    type,
    at,
    remove(first, second = "", third = "") {
      const seconds = root.get(first);
      const thirds = seconds?.get(second);
      if (!thirds?.delete(third)) return;
      size--;
      if (thirds.size === 0) seconds?.delete(second);
      if (seconds?.size === 0) root.delete(first);
    },
    samples() {
      const out: MetricSample[] = [];
      for (const [first, seconds] of root) {
        for (const [second, thirds] of seconds) {
          for (const [third, item] of thirds) {
            const values = [first, second, third];
            const named = Object.fromEntries(labels.map((label, index) => [label, values[index] ?? ""]));
            for (const sample of samplesOf(named, item)) out.push(sample);
          }
        }
      }
      return out;
    },
  };
}

function histogramSamples(name: string, labels: Labels, { buckets, counts, sum }: Tally): MetricSample[] {
  let total = 0;
  const sample = (le: number | string, at: number): MetricSample => {
    total += counts[at] ?? 0;
    return { name: `${name}_bucket`, labels: { le, ...labels }, value: total };
  };
  return [
    ...buckets.map(sample),
    sample("+Inf", buckets.length),
    { name: `${name}_sum`, labels, value: sum },
    { name: `${name}_count`, labels, value: total },
  ];
}
