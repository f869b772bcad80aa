/** What is between two tries of a step. */
export interface RetryPause {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** After a failure: the other service is away for a moment, or for longer. */
export const afterFailure: RetryPause = { firstMs: 1000, mostMs: 60_000 };

/** While a refund is under way, which the payment service tells of anyway: asking is for what got lost. */
export const whileUnderWay: RetryPause = { firstMs: 5000, mostMs: 5 * 60_000 };

/** Doubles with each try; at least half of it is waited, and those who failed together spread. */
export function pauseMs(tries: number, random: () => number, { firstMs, mostMs }: RetryPause): number {
  const step = Math.min(mostMs, firstMs * 2 ** Math.min(20, Math.max(0, tries - 1)));
  return Math.round(step / 2 + (random() * step) / 2);
}
