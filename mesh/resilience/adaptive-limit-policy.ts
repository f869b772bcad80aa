/** How much waiting a service lets build up inside itself. */
export interface AdaptiveLimitPolicy {
  /** Calls that are let in before anything is known. Default 64. */
  readonly startLimit: number;
  /** However long calls take, as many are let in: a burst is not an overload. Default 16. */
  readonly minLimit: number;
  /** Default 4096. */
  readonly maxLimit: number;
  /** What a call may wait for its turn on average. Default 50 ms, a small part of the usual deadlines. */
  readonly queueMs: number;
  /** The same as a share of what the method takes by nature; the larger counts. Default 0.5. */
  readonly queueShare: number;
  /** How often the limit is thought over; less often when calls take longer. Default 100 ms. */
  readonly tickMs: number;
  /** The age at which a method's natural latency is measured anew. Default 5 s. */
  readonly refreshMs: number;
  /** A drain that takes longer is given up. Default 5 s. */
  readonly drainMaxMs: number;
}

export const adaptiveLimitPolicy: AdaptiveLimitPolicy = {
  startLimit: 64,
  minLimit: 16,
  maxLimit: 4096,
  queueMs: 50,
  queueShare: 0.5,
  tickMs: 100,
  refreshMs: 5000,
  drainMaxMs: 5000,
};
