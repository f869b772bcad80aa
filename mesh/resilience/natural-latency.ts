/** What a tick of the limiter learns from the latencies since the one before. */
export interface Reading {
  /** Calls that may come on top of those in flight; negative: how many are too many. */
  slack: number;
  /** Calls that may wait in all. */
  allowed: number;
}

export interface NaturalLatencyOptions {
  methods: number;
  queueMs: number;
  queueShare: number;
  tickMs: number;
}

/** Tells waiting from working: how much longer calls take than they do by nature. */
export interface NaturalLatency {
  add(method: number, durationMs: number, nowMs: number): void;
  /** Nothing while no method has enough samples; the object is the same each time. */
  read(nowMs: number): Reading | undefined;
  /** Forgets what was added since the last reading. */
  discard(nowMs: number): void;
  /** Takes the lowest latencies since the last renewal for the natural ones from here on. */
  renew(): void;
  /** Takes what was added since `discard` for natural; false when that is too little. */
  adopt(nowMs: number): boolean;
}

const enough = 16;
const enoughWhenRare = 4;
const rareMs = 1000;
const smallestMs = 0.01;
const finite = (ms: number | undefined) => (ms === undefined || ms === Number.POSITIVE_INFINITY ? 0 : ms);

/**
 * Each method is compared with itself only, so long calls by nature (an export, a
 * payment) weigh no more than short ones. Of a method's latencies the geometric mean
 * is taken: a queue shifts it, while one call in ten that is a hundred times slower
 * or a cache hit hardly does, as they would the mean and the minimum.
 *
 * By Little's law, answers per second × (excess − allowed excess) is the number of
 * calls too many. It needs no share of the limit, so calls that wait by nature are
 * not mistaken for a queue.
 */
export function createNaturalLatency(options: NaturalLatencyOptions): NaturalLatency {
  const { methods, queueMs, queueShare, tickMs } = options;
  const counts = new Float64Array(methods);
  const logSums = new Float64Array(methods);
  const sinceMs = new Float64Array(methods).fill(Number.NEGATIVE_INFINITY);
  const natural = new Float64Array(methods).fill(Number.POSITIVE_INFINITY);
  const lowest = new Float64Array(methods).fill(Number.POSITIVE_INFINITY);
  const reading: Reading = { slack: 0, allowed: 0 };

  const meanOf = (method: number) => Math.exp((logSums[method] ?? 0) / (counts[method] ?? 1));
  const reset = (method: number, nowMs: number) => {
    counts[method] = 0;
    logSums[method] = 0;
    sinceMs[method] = nowMs;
  };

  return {
    add(method, durationMs, nowMs) {
      const count = counts[method];
      if (count === undefined) return;
      // After a pause the time of no calls must not dilute the rate.
      if (count === 0 && nowMs - (sinceMs[method] ?? 0) > rareMs) sinceMs[method] = nowMs - durationMs;
      counts[method] = count + 1;
      logSums[method] = (logSums[method] ?? 0) + Math.log(durationMs > smallestMs ? durationMs : smallestMs);
    },
    read(nowMs) {
      let ripe = false;
      reading.slack = 0;
      reading.allowed = 0;
      for (let method = 0; method < methods; method++) {
        const count = counts[method] ?? 0;
        const elapsedMs = Math.max(tickMs, nowMs - (sinceMs[method] ?? 0));
        if (count < enough && (count < enoughWhenRare || elapsedMs < rareMs)) continue;
        ripe = true;
        const mean = meanOf(method);
        lowest[method] = Math.min(lowest[method] ?? mean, mean);
        const base = Math.min(natural[method] ?? mean, mean);
        natural[method] = base;
        const rate = count / elapsedMs;
        const allowedMs = Math.max(queueMs, base * queueShare);
        reading.allowed += rate * allowedMs;
        reading.slack += rate * (allowedMs - (mean - base));
        reset(method, nowMs);
      }
      return ripe ? reading : undefined;
    },
    discard(nowMs) {
      for (let method = 0; method < methods; method++) reset(method, nowMs);
    },
    renew() {
      for (let method = 0; method < methods; method++) {
        const low = lowest[method] ?? Number.POSITIVE_INFINITY;
        if (low < Number.POSITIVE_INFINITY) natural[method] = low;
      }
      lowest.fill(Number.POSITIVE_INFINITY);
    },
    adopt(nowMs) {
      let all = 0;
      let known = 0;
      for (let method = 0; method < methods; method++) {
        const count = counts[method] ?? 0;
        all += count;
        if (count >= enoughWhenRare) known += count;
      }
      if (all < enough || known < all * 0.8) return false;
      for (let method = 0; method < methods; method++) {
        // Of calls longer than this has lasted only the short ones are back: they would mislead.
        const lastedMs = nowMs - (sinceMs[method] ?? 0);
        const lasted = lastedMs >= 2 * finite(natural[method]);
        if (lasted && (counts[method] ?? 0) >= enoughWhenRare) natural[method] = meanOf(method);
        reset(method, nowMs);
      }
      lowest.fill(Number.POSITIVE_INFINITY);
      return true;
    },
  };
}
