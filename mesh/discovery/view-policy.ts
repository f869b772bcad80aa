/**
 * When an instance that no longer renews its lease leaves the view. The mesh
 * would rather call one that is dead, which the breaker finds out at once, than
 * have nobody left to call because the broker was in trouble. So:
 *
 * - Nothing leaves while the view is not known to be current.
 * - When it is current again, everybody has one lease to renew.
 * - After that a silent instance leaves when a sibling, an instance of the same
 *   service, has renewed in the meantime: renewals do get through.
 * - When none has, the service as a whole went silent, which is how a broken
 *   broker looks. That is not believed for `disbeliefMs`, then it is.
 *
 * To be withdrawn is another matter: it is believed at once.
 */
export interface ViewPolicy {
  /** How long an announcement counts. Default: 6 s, three renewals. */
  readonly leaseMs: number;
  /** How long a service that went silent as a whole is still believed to be there. Default: 30 s. */
  readonly disbeliefMs: number;
}

export const defaultViewPolicy: ViewPolicy = { leaseMs: 6000, disbeliefMs: 30_000 };

export interface Silence {
  /** When this instance was last heard of. */
  readonly renewedMs: number;
  /** When any instance of its service was. */
  readonly siblingMs: number;
  /** Since when the view is current, or nothing while it is not. */
  readonly currentSinceMs: number | undefined;
}

/** The earliest moment at which an instance can leave. */
export const dueMs = (renewedMs: number, currentSinceMs: number, { leaseMs }: ViewPolicy): number =>
  Math.max(renewedMs, currentSinceMs) + leaseMs;

export function leaves({ renewedMs, siblingMs, currentSinceMs }: Silence, nowMs: number, policy: ViewPolicy) {
  if (currentSinceMs === undefined) return false;
  const due = dueMs(renewedMs, currentSinceMs, policy);
  if (nowMs < due) return false;
  // Siblings renew within a third of a lease of each other also when all stop together.
  const othersGoOn = siblingMs >= due - policy.leaseMs / 2;
  return othersGoOn || nowMs >= due + policy.disbeliefMs;
}
