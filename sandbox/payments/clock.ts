/** Times of the sandbox, short in tests. */
export interface Delays {
  /** Before a slow answer, or a slow hand on a telephone. */
  readonly slowMs: number;
  /** Until what is processing is done. */
  readonly settleMs: number;
  /** Before a late callback. */
  readonly lateMs: number;
  /** Before a callback that was not taken is sent again; doubles. */
  readonly retryMs: number;
  /** Until a request that nobody agreed to ends. */
  readonly expiryMs: number;
}

export const usualDelays: Delays = {
  slowMs: 3000,
  settleMs: 2000,
  lateMs: 20_000,
  retryMs: 1000,
  expiryMs: 300_000,
};

/** Does things later, and drops all of them when the sandbox is reset or closed. */
export interface Timers {
  after(ms: number, run: () => void): void;
  wait(ms: number): Promise<void>;
  clear(): void;
}

export function createTimers(): Timers {
  const timers = new Map<NodeJS.Timeout, () => void>();
  const after = (ms: number, run: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, ms);
    timers.set(timer, run);
  };
  return {
    after,
    wait: (ms) => new Promise((done) => after(ms, done)),
    clear: () => {
      for (const timer of timers.keys()) clearTimeout(timer);
      timers.clear();
    },
  };
}
