/** Latencies by how often they occurred, in memory that does not grow with their number. */
export interface Histogram {
  record(ms: number): void;
  readonly count: number;
  /** The latency that this share (0 to 1) of the recorded ones did not exceed; NaN when there are none. */
  quantile(share: number): number;
}

/** Each power of two is cut into this many parts, so a value is off by less than 1 %. */
const partsLog2 = 7;
const parts = 1 << partsLog2;
/** Smallest difference that is told apart. */
const unitsPerMs = 8000;
/** What takes longer (268 s) counts as this long. */
const largest = 2 ** 31 - 1;
const buckets = ((31 - partsLog2) << partsLog2) + 2 * parts;

export function createHistogram(): Histogram {
  const counts = new Float64Array(buckets);
  let count = 0;
  return {
    record(ms) {
      const bucket = bucketOf(Math.min(largest, Math.max(0, Math.round(ms * unitsPerMs))));
      counts[bucket] = (counts[bucket] ?? 0) + 1;
      count++;
    },
    get count() {
      return count;
    },
    quantile(share) {
      if (count === 0) return Number.NaN;
      const rank = Math.max(1, Math.ceil(share * count));
      let seen = 0;
      for (let bucket = 0; bucket < buckets; bucket++) {
        seen += counts[bucket] ?? 0;
        if (seen >= rank) return middleOf(bucket) / unitsPerMs;
      }
      return largest / unitsPerMs;
    },
  };
}

function bucketOf(units: number): number {
  const shift = Math.max(0, 31 - Math.clz32(units) - partsLog2);
  return (shift << partsLog2) + (units >>> shift);
}

function middleOf(bucket: number): number {
  const shift = Math.max(0, (bucket >>> partsLog2) - 1);
  const first = (bucket - (shift << partsLog2)) * 2 ** shift;
  return first + (2 ** shift - 1) / 2;
}
