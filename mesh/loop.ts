import { setTimeout as sleep } from "node:timers/promises";

export interface Loop {
  /** Does the work now, or once more if it is being done. */
  wake(): void;
  /** Resolves when the last round is over, after `stopping` was aborted. */
  readonly ended: Promise<void>;
}

export interface LoopOptions {
  /** Longest time between two rounds. */
  everyMs: number;
  /** Least time between two rounds, for work that does more at once as well. Default 0. */
  restMs?: number;
  stopping: AbortSignal;
  work: () => Promise<void>;
  /** Told of each round that failed. The next one comes all the same. */
  failed: (error: unknown) => void;
}

/** Least time between a failure and the next round, so that a store that is down is not hammered. */
const afterFailureMs = 500;

/** Does something again and again, one round at a time: at the start, when woken, and now and then. */
export function startLoop({ everyMs, restMs = 0, stopping, work, failed }: LoopOptions): Loop {
  let woken = Promise.withResolvers<void>();

  const pause = async (ms: number, wake: Promise<void> | undefined) => {
    const timer = new AbortController();
    const signal = AbortSignal.any([timer.signal, stopping]);
    await Promise.race([
      sleep(ms, undefined, { signal, ref: false }).catch(() => {}),
      ...(wake ? [wake] : []),
    ]);
    timer.abort();
  };

  const run = async () => {
    while (!stopping.aborted) {
      woken = Promise.withResolvers();
      try {
        await work();
        if (restMs > 0) await pause(Math.min(restMs, everyMs), undefined);
        if (everyMs > restMs) await pause(everyMs - restMs, woken.promise);
      } catch (error) {
        if (stopping.aborted) return;
        failed(error);
        await pause(Math.min(everyMs, afterFailureMs), undefined);
      }
    }
  };

  return { wake: () => woken.resolve(), ended: run() };
}
