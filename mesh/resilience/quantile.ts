/** A quantile of a stream, without keeping the stream. */
export interface Quantile {
  add(value: number): void;
  readonly value: number;
  /** Values seen so far. */
  readonly count: number;
}

/** Below this, values are one: the estimate moves by factors and could not leave zero. */
const smallest = 0.001;
/** The size of a step once settled: about the last thousand values count. */
const settledStep = 0.05;

/**
 * Stochastic approximation (Robbins–Monro) in steps of a factor: each value above
 * pulls up by `share`, each below pulls down by the rest, and the two balance where
 * the quantile is. Three operations per value, no memory, and no scale to choose;
 * good to some 10 % for latencies, which is what a delay needs. The first steps are
 * larger, so that an odd first value is left quickly.
 */
export function createQuantile(share: number): Quantile {
  let value = 0;
  let count = 0;
  return {
    add(sample) {
      // Written so that NaN does not pass either.
      const bounded = sample > smallest ? sample : smallest;
      if (count++ === 0) {
        value = bounded;
        return;
      }
      const step = Math.max(settledStep, 1 / (1 + count / 20));
      if (bounded > value) value *= 1 + step * share;
      else value = Math.max(smallest, value * (1 - step * (1 - share)));
    },
    get value() {
      return value;
    },
    get count() {
      return count;
    },
  };
}
