/** How long to wait between tries. */
export interface BackoffPolicy {
  /** The longest wait before the first retry; doubles with each after. Default 25 ms. */
  readonly baseMs: number;
  /** No wait is longer, but for what the server asked for. Default 1 s. */
  readonly maxMs: number;
}

const backoffPolicy: BackoffPolicy = { baseMs: 25, maxMs: 1000 };

/**
 * The wait before a retry (1 is the first): anything from nothing to the whole
 * step, for callers that failed together must not come back together. After a
 * retry-after of the server the same spread follows it, so nobody is sooner and
 * not everybody is there at the same instant.
 */
export function backoffMs(
  retry: number,
  random: () => number,
  retryAfterMs = 0,
  policy: BackoffPolicy = backoffPolicy,
): number {
  const step = Math.min(policy.maxMs, policy.baseMs * 2 ** Math.max(0, retry - 1));
  const asked = retryAfterMs > 0 ? retryAfterMs : 0;
  return asked + random() * step;
}

/**
 * Like that, but half of it is certain: for work that failed, which needs time
 * and not only to be apart from others. 0 tries count as 1.
 */
export function pauseMs(tries: number, random: () => number, { baseMs, maxMs }: BackoffPolicy): number {
  // A base of 0 times infinity would be no number.
  const step = Math.min(maxMs, baseMs * 2 ** Math.min(60, Math.max(0, tries - 1)));
  return Math.round((step / 2) * (1 + random()));
}
