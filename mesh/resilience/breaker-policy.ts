/** When a breaker opens, and for how long. */
export interface BreakerPolicy {
  /** Failures one after the other that open it. Default 5. */
  readonly failuresInARow: number;
  /** The last while that the success rate is taken over. Default 10 s. */
  readonly windowMs: number;
  /** Fewer calls than this in the window prove nothing. Default 20. */
  readonly minCalls: number;
  /** A lower share of successes than this opens it. Default 0.8. */
  readonly minSuccessRate: number;
  /** How long it is open the first time; doubles with each time after. Default 1 s. */
  readonly openMs: number;
  /** The longest it is open. Default 60 s. */
  readonly openMaxMs: number;
  /** After this a probe that reported nothing is given up and another is let through. Default 10 s. */
  readonly probeMs: number;
}

export const breakerPolicy: BreakerPolicy = {
  failuresInARow: 5,
  windowMs: 10_000,
  minCalls: 20,
  minSuccessRate: 0.8,
  openMs: 1000,
  openMaxMs: 60_000,
  probeMs: 10_000,
};
