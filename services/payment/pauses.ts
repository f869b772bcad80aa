/** Times that decide when a provider is asked. */
export interface Pauses {
  /** Before the second look; doubled with each further one. */
  readonly retryMs: number;
  /** How long after a request a provider that knows nothing of it is believed. */
  readonly askAgainMs: number;
  readonly timeoutMs: number;
}

const mostTimes = 60;

/** The pause after the given number of looks. From half of it to all, so that what came together parts. */
export function pauseMs(tries: number, baseMs: number, random: () => number): number {
  const step = baseMs * Math.min(mostTimes, 2 ** Math.min(20, Math.max(0, tries - 1)));
  return Math.round(step / 2 + (step / 2) * random());
}

/**
 * How long after its beginning a charge may be asked for again. A provider
 * forgets the key of a request after a day, and would then charge twice.
 */
export const keyLifeMs = 23 * 3_600_000;

/** When to see once more whether a charge that was given up came about after all. */
export const lastLookMs = 15 * 60_000;

/** How long one round over a provider's open payments may keep them from others. */
export const leaseMs = ({ timeoutMs }: Pauses): number => 3 * timeoutMs + 1000;
