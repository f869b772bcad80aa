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
export const createAbsence = (now: () => number): Absence => new Gone(now);

/** A class, since an object with a getter has a shape of its own each, and the balancer looks at many. */
class Gone implements Absence {
  private readonly now: () => number;
  private waitMs = 0;
  private untilMs = Number.NEGATIVE_INFINITY;

  constructor(now: () => number) {
    this.now = now;
  }

  get over(): boolean {
    return this.waitMs === 0 || this.now() >= this.untilMs;
  }

  gone(): void {
    // Calls that failed together found it out once.
    if (!this.over) return;
    this.waitMs = Math.min(longestMs, Math.max(firstMs, this.waitMs * 2));
    this.untilMs = this.now() + this.waitMs;
  }

  seen(): void {
    this.waitMs = 0;
  }
}
