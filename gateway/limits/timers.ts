/** Time that passes, so that tests can let it pass. */
export interface Timers {
  /** Runs the work once what is at hand has been done. */
  soon(work: () => void): void;
  /** Returns what ends it. */
  after(ms: number, work: () => void): () => void;
}

export const systemTimers: Timers = {
  soon: (work) => void setImmediate(work),
  after: (ms, work) => {
    const timer = setTimeout(work, ms).unref();
    return () => clearTimeout(timer);
  },
};
