import type { BackoffPolicy } from "#mesh";

/** Times that decide when a provider is asked. */
export interface Pauses {
  /** Before the second look; doubled with each further one. */
  readonly retryMs: number;
  /** How long after a request a provider that knows nothing of it is believed. */
  readonly askAgainMs: number;
  readonly timeoutMs: number;
}

const mostTimes = 60;

/** How long looks may come to be apart. */
export const looks = (retryMs: number): BackoffPolicy => ({ baseMs: retryMs, maxMs: mostTimes * retryMs });

/** Where refunds fail again and again, one is tried each day. */
export const mostOwedPauseMs = 24 * 3_600_000;

/** Until somebody looks at what is owed for an order, of which so many refunds have failed. */
export const owedPauseMs = (pauseMs: number, failures: number): number =>
  Math.min(pauseMs * 2 ** failures, mostOwedPauseMs);

/** The same for an order that was looked at and is owed for still: each look makes another refund. */
export const owedLooks = (retryMs: number): BackoffPolicy => ({
  baseMs: slowly * retryMs,
  maxMs: mostOwedPauseMs,
});
const slowly = 20;

/**
 * How long after its beginning a charge may be asked for again. A provider
 * forgets the key of a request after a day, and would then charge twice.
 */
export const keyLifeMs = 23 * 3_600_000;

/** When to see once more whether a charge that was given up came about after all. */
export const lastLookMs = 15 * 60_000;

/** How long one round over a provider's open payments may keep them from others. */
export const leaseMs = ({ timeoutMs }: Pauses): number => 3 * timeoutMs + 1000;
