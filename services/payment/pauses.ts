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

/**
 * How long after its beginning a charge may be asked for again. A provider
 * forgets the key of a request after a day, and would then charge twice.
 */
export const keyLifeMs = 23 * 3_600_000;

/** When to see once more whether a charge that was given up came about after all. */
export const lastLookMs = 15 * 60_000;

/** How long one round over a provider's open payments may keep them from others. */
export const leaseMs = ({ timeoutMs }: Pauses): number => 3 * timeoutMs + 1000;
