/** Remembers that nobody was at a place, so that not every call finds out anew. */
export interface Absence {
  /** Whether it is worth trying now. */
  readonly over: boolean;
  /** Nobody took the connection. */
  gone(): void;
  /** Somebody answered. */
  seen(): void;
}

const firstMs = 25;
const longestMs = 1000;

/**
 * Not the breaker's matter: a connection that is refused cost nobody anything,
 * so it may be tried again soon, and a callee that has just started is found.
 */
export function createAbsence(now: () => number): Absence {
  let waitMs = 0;
  let untilMs = Number.NEGATIVE_INFINITY;
  return {
    get over() {
      return waitMs === 0 || now() >= untilMs;
    },
    gone() {
      // Calls that failed together found it out once.
      if (waitMs > 0 && now() < untilMs) return;
      waitMs = Math.min(longestMs, Math.max(firstMs, waitMs * 2));
      untilMs = now() + waitMs;
    },
    seen() {
      waitMs = 0;
    },
  };
}
