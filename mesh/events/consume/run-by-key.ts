/** Runs what has the same key one after the other, and different keys beside each other. */
export interface KeyedRunner<T> {
  add(key: string, item: T): void;
  /** Begins nothing any more. */
  close(): void;
  /** Resolves when nothing runs. */
  idle(): Promise<void>;
}

/**
 * @param run Does it, told how often it was tried with this time; gives back
 *   after how long it is to be tried again, or nothing when it is done. What
 *   waits for another try takes no one's place.
 */
export function createKeyedRunner<T>(
  concurrency: number,
  run: (item: T, tries: number) => Promise<number | undefined>,
): KeyedRunner<T> {
  const lanes = new Map<string, T[]>();
  const ready: Array<() => Promise<void>> = [];
  let running = 0;
  let closed = false;
  let idle = Promise.withResolvers<void>();

  const begin = () => {
    while (running < concurrency && !closed) {
      const work = ready.shift();
      if (!work) break;
      running++;
      void work().finally(() => {
        running--;
        begin();
        if (running === 0) idle.resolve();
      });
    }
  };

  const enter = (key: string, lane: readonly T[], tries: number) => {
    ready.push(async () => {
      const [head] = lane;
      if (head === undefined) return;
      const afterMs = await run(head, tries);
      if (afterMs === undefined) return leave(key);
      if (closed || !Number.isFinite(afterMs)) return;
      setTimeout(() => enter(key, lane, tries + 1), afterMs).unref();
    });
    begin();
  };

  const leave = (key: string) => {
    const lane = lanes.get(key);
    lane?.shift();
    if (lane && lane.length > 0) enter(key, lane, 1);
    else lanes.delete(key);
  };

  return {
    add(key, item) {
      const lane = lanes.get(key);
      if (lane) {
        lane.push(item);
        return;
      }
      const fresh = [item];
      lanes.set(key, fresh);
      enter(key, fresh, 1);
    },
    close() {
      closed = true;
      ready.length = 0;
    },
    async idle() {
      while (running > 0) {
        idle = Promise.withResolvers();
        await idle.promise;
      }
    },
  };
}
