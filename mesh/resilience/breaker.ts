import { type BreakerPolicy, breakerPolicy } from "./breaker-policy.ts";
import { createSlidingCount } from "./sliding-count.ts";

export type BreakerState = "closed" | "open" | "half-open";

/** Keeps calls away from an endpoint that fails, and finds out when it is well again. */
export interface Breaker {
  /** Whether a call would be let through now. No side effect: the balancer asks it of many endpoints. */
  admits(): boolean;
  /**
   * Starts a call: a ticket to report its end with, or 0 when the call must not go out.
   * When half-open it takes the one probe. Ticket 0 may be reported too: it counts for nothing.
   */
  begin(): number;
  succeeded(ticket: number): void;
  /** A timeout is a failure too. */
  failed(ticket: number): void;
  /** Neither of them: the call says nothing about the endpoint. A probe is given back. */
  cancelled(ticket: number): void;
  readonly state: BreakerState;
  /** Why it is not closed and what comes next: `5 failures in a row, next try in 3.1 s`. */
  describe(): string;
}

export interface BreakerOptions {
  /** Default `breakerPolicy`. */
  policy?: BreakerPolicy;
  /** A clock that does not go back. */
  now: () => number;
  onChange?: (state: BreakerState) => void;
}

/**
 * A ticket is the number of the period (closed, or one probe) the call began in.
 * Without it, calls that hung before the breaker opened and time out during the
 * probe would be taken for the probe, and keep a healthy endpoint shut.
 */
export function createBreaker({ policy = breakerPolicy, now, onChange }: BreakerOptions): Breaker {
  const calls = createSlidingCount(policy.windowMs);
  const failures = createSlidingCount(policy.windowMs);
  let state: BreakerState = "closed";
  let period = 1;
  let inARow = 0;
  /** Open: when a probe may go. Half-open: when the probe that is out is given up. */
  let nextTryMs = 0;
  let closedAtMs = Number.NEGATIVE_INFINITY;
  let openForMs = 0;
  /** What opened it; `ofCalls` is 0 when it was failures in a row. */
  let failedCalls = 0;
  let ofCalls = 0;

  const change = (next: BreakerState) => {
    const before = state;
    state = next;
    breaker.state = next;
    period++;
    if (before !== next) onChange?.(next);
  };

  const open = () => {
    openForMs = openForMs === 0 ? policy.openMs : Math.min(openForMs * 2, policy.openMaxMs);
    nextTryMs = now() + openForMs;
    change("open");
  };

  const trip = (failed: number, of: number) => {
    // Well means a whole window without opening: one good probe does not prove it under load.
    if (now() - closedAtMs >= policy.windowMs) openForMs = 0;
    failedCalls = failed;
    ofCalls = of;
    open();
  };

  const judgeWindow = (nowMs: number) => {
    const all = calls.total(nowMs);
    if (all < policy.minCalls) return;
    const bad = failures.total(nowMs);
    if (all - bad < policy.minSuccessRate * all) trip(bad, all);
  };

  const close = () => {
    calls.clear();
    failures.clear();
    inARow = 0;
    closedAtMs = now();
    change("closed");
  };

  const what = () => {
    if (ofCalls === 0) return `${failedCalls} failures in a row`;
    return `${failedCalls} of ${ofCalls} calls failed within ${policy.windowMs / 1000} s`;
  };

  // A field, not a getter: an object literal with a getter has a hidden class of its own each time.
  const breaker: Breaker & { state: BreakerState } = {
    state,
    admits: () => state === "closed" || now() >= nextTryMs,
    begin() {
      if (state === "closed") return period;
      const nowMs = now();
      if (nowMs < nextTryMs) return 0;
      nextTryMs = nowMs + policy.probeMs;
      change("half-open");
      return period;
    },
    succeeded(ticket) {
      if (ticket !== period) return;
      if (state === "half-open") return close();
      inARow = 0;
      const nowMs = now();
      calls.add(nowMs);
      judgeWindow(nowMs);
    },
    failed(ticket) {
      if (ticket !== period) return;
      if (state === "half-open") {
        if (ofCalls === 0) failedCalls++;
        return open();
      }
      const nowMs = now();
      calls.add(nowMs);
      failures.add(nowMs);
      if (++inARow >= policy.failuresInARow) trip(inARow, 0);
      else judgeWindow(nowMs);
    },
    cancelled(ticket) {
      if (ticket !== period || state !== "half-open") return;
      nextTryMs = now();
      period++;
    },
    describe() {
      if (state === "closed") return "closed";
      const leftMs = nextTryMs - now();
      if (leftMs <= 0) return `${what()}, the next call is a probe`;
      // Rounded up: whoever tries after the time that was read is not refused again.
      const left = `${(Math.ceil(leftMs / 100) / 10).toFixed(1)} s`;
      return state === "open"
        ? `${what()}, next try in ${left}`
        : `${what()}, a probe is under way, next try in at most ${left}`;
    },
  };
  return breaker;
}
