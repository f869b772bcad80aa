import { createHistogram } from "./histogram.ts";

/**
 * Told of each message that has made its way, and when that began (in terms of
 * `performance.now()`), or NaN where a latency would mean nothing.
 */
export type Note = (beganMs: number) => void;

/** One piece of work: a call, or a stream with all its messages. */
export type Work = (note: Note) => Promise<void>;

export interface LoadOptions {
  readonly work: Work;
  /** How many pieces of work are under way at any time. */
  readonly lanes: number;
  readonly ms: number;
  /** Default: `performance.now`. */
  readonly now?: () => number;
}

export interface LoadResult {
  /**
   * All messages by the time until the last of them: what is under way when the
   * time is over is waited for, since with many lanes it is a good part of a round.
   */
  readonly perSecond: number;
  readonly total: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A closed loop: each lane begins its next piece of work when the last one is done. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const { work, lanes, ms, now = () => performance.now() } = options;
  const latencies = createHistogram();
  const start = now();
  const end = start + ms;
  let last = start;
  let total = 0;
  let failed = false;

  const note: Note = (beganMs) => {
    last = now();
    total++;
    if (!Number.isNaN(beganMs)) latencies.record(last - beganMs);
  };
  const lane = async () => {
    try {
      while (!failed && now() < end) await work(note);
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return {
    perSecond: total === 0 ? 0 : (total / (last - start)) * 1000,
    total,
    p50Ms: latencies.quantile(0.5),
    p99Ms: latencies.quantile(0.99),
  };
}
