export interface BackoffPolicy {
  firstMs: number;
  maxMs: number;
  /** After this long in good health the next crash counts as the first again. */
  forgivenAfterMs: number;
}

/** Doubling to ten seconds: quick after one crash, harmless to a laptop after a hundred. */
export const restartBackoff: BackoffPolicy = { firstMs: 250, maxMs: 10_000, forgivenAfterMs: 30_000 };

/** How long to wait before the restart that follows `failures` earlier ones. */
export function restartDelay(policy: BackoffPolicy, failures: number): number {
  return Math.min(policy.firstMs * 2 ** failures, policy.maxMs);
}
