import { setImmediate as turn } from "node:timers/promises";
import { median, spreadOf } from "../harness/statistics.ts";

export interface Timing {
  /** Time of one, in nanoseconds: the median of the rounds. */
  readonly nanos: number;
  /** How far the rounds differ, as a share. */
  readonly spread: number;
}

export interface TimingOptions {
  readonly rounds: number;
  readonly roundMs: number;
  readonly signal: AbortSignal;
}

/** Times work that is far shorter than a look at the clock: `work` does it so many times. */
export async function time(
  work: (times: number) => void,
  { rounds, roundMs, signal }: TimingOptions,
): Promise<Timing> {
  let times = 1000;
  // The first one compiles it, too.
  for (let tookMs = 0; tookMs < roundMs / 4; times *= 2) {
    const from = performance.now();
    work(times);
    tookMs = performance.now() - from;
  }
  const measured: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await turn();
    signal.throwIfAborted();
    const from = performance.now();
    work(times);
    measured.push(((performance.now() - from) * 1e6) / times);
  }
  return { nanos: median(measured), spread: spreadOf(measured) };
}
