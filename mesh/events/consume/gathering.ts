export interface GatheringOptions {
  /** How long the first of those that wait may wait for others. 0: not at all. */
  readonly gatherMs: number;
  /** So many need wait no longer. */
  readonly enough: number;
  /** What waits may be taken now. */
  readonly over: () => void;
}

/** Lets what waits wait for more, for a while. */
export interface Gathering {
  /** Whether so many are to wait for more. */
  holds(waiting: number): boolean;
  stop(): void;
}

export function createGathering({ gatherMs, enough, over }: GatheringOptions): Gathering {
  let timer: NodeJS.Timeout | undefined;
  let waited = false;
  const reset = () => {
    clearTimeout(timer);
    timer = undefined;
    waited = false;
  };
  return {
    holds(waiting) {
      if (waiting === 0) reset();
      if (gatherMs === 0 || waited || waiting === 0 || waiting >= enough) return false;
      timer ??= setTimeout(() => {
        waited = true;
        over();
      }, gatherMs);
      return true;
    },
    stop: reset,
  };
}
