/** How guesses are slowed. */
export interface ThrottlePolicy {
  /** Failures that cost no waiting. */
  readonly freeFailures: number;
  /** Time in which they are counted, and quiet time after the last wait until all is forgotten. */
  readonly windowMs: number;
  /** Wait after the first failure too many; each further one doubles it. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
}

/** What is remembered of failed tries. */
export interface Failures {
  readonly count: number;
  readonly sinceMs: number;
  readonly lastMs: number;
}

/** How a count grows, and what it costs. */
export interface CountRule {
  /** How long one must wait before the next; 0 for not at all. */
  readonly wait: (failures: Failures, nowMs: number) => number;
  /** The count with one more. */
  readonly next: (failures: Failures, nowMs: number) => Failures;
}

export const slowing = (policy: ThrottlePolicy): CountRule => ({
  wait: (failures, nowMs) => waitLeft(policy, failures, nowMs),
  next: (failures, nowMs) => withFailure(policy, failures, nowMs),
});

/** How long one must wait before the next try is looked at; 0 for not at all. */
export function waitLeft(policy: ThrottlePolicy, failures: Failures, nowMs: number): number {
  const until = failures.lastMs + waitAfter(policy, failures.count);
  // Clocks of replicas differ: a time that lies ahead must not make the wait longer.
  return Math.min(Math.max(0, until - nowMs), waitAfter(policy, failures.count));
}

/** The failures with one more. */
export function withFailure(policy: ThrottlePolicy, failures: Failures, nowMs: number): Failures {
  if (isForgotten(policy, failures, nowMs)) return { count: 1, sinceMs: nowMs, lastMs: nowMs };
  return { count: failures.count + 1, sinceMs: failures.sinceMs, lastMs: nowMs };
}

/**
 * Once waits have begun, only quiet ends them: were they to end with the
 * window, a patient guesser would have all free tries again every window.
 */
function isForgotten(policy: ThrottlePolicy, { count, sinceMs, lastMs }: Failures, nowMs: number): boolean {
  if (count < policy.freeFailures) return nowMs - sinceMs >= policy.windowMs;
  return nowMs - lastMs >= waitAfter(policy, count) + policy.windowMs;
}

function waitAfter({ freeFailures, firstWaitMs, longestWaitMs }: ThrottlePolicy, count: number): number {
  if (count < freeFailures) return 0;
  return Math.min(longestWaitMs, firstWaitMs * 2 ** (count - freeFailures));
}
