/** The middle one, so that one disturbed round does not decide; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** By which share of their median the values differ, up and down. */
export const spreadOf = (values: readonly number[]): number =>
  (Math.max(...values) - Math.min(...values)) / 2 / median(values);

/** The median of each number of several records of one shape. */
export function medianOf<R extends { readonly [K in keyof R]: number }>(records: readonly R[]): R {
  const keys = Object.keys(records[0] ?? {}) as (keyof R)[];
  return Object.fromEntries(keys.map((key) => [key, median(records.map((it) => it[key]))])) as unknown as R;
}

/** How often `ours` is `theirs`, for each of those named. */
export function ratiosTo(ours: number, theirs: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(theirs).map(([name, value]) => [name, ratio(ours, value)]));
}

/** To three digits, which is more than rounds agree on. */
export const ratio = (ours: number, theirs: number): number => Number((ours / theirs).toPrecision(3));

export function round(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
