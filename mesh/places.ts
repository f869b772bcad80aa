/** Places for tasks that go on at the same time, so many and no more. */
export interface Places {
  free(): number;
  /** Begins a task. Whoever does that has seen that a place is free. */
  take(task: () => Promise<unknown>): void;
  /** Resolves when a place is free. */
  freed(): Promise<void>;
  /** Resolves when nothing is under way. */
  empty(): Promise<void>;
}

/**
 * For loops: a place is taken again as soon as it is free, so that one task that
 * hangs does not hold up the others, as waiting for a whole round of them would.
 */
export function createPlaces(count: number, failed: (error: unknown) => void): Places {
  const busy = new Set<Promise<void>>();
  const free = () => Math.max(0, count - busy.size);
  return {
    free,
    take(task) {
      const run: Promise<void> = (async () => task())()
        .then(() => {}, failed)
        .finally(() => busy.delete(run));
      busy.add(run);
    },
    async freed() {
      while (free() === 0) await Promise.race(busy);
    },
    async empty() {
      while (busy.size > 0) await Promise.all(busy);
    },
  };
}
