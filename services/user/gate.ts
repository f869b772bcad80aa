import { fail } from "#mesh";

/** Lets so much work run at once and so much wait; the rest is turned away. */
export interface Gate {
  /** Runs the work when its turn comes. Work whose caller has gone leaves the queue. */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  readonly running: number;
  readonly waiting: number;
  readonly full: boolean;
}

export interface GateOptions {
  concurrency: number;
  queue: number;
}

interface Waiter {
  readonly start: () => void;
}

export function createGate({ concurrency, queue }: GateOptions): Gate {
  const waiters = new Set<Waiter>();
  let running = 0;

  const leave = () => {
    running--;
    // A Set keeps insertion order: the first has waited longest.
    for (const waiter of waiters) {
      waiters.delete(waiter);
      waiter.start();
      break;
    }
  };

  const enter = async (signal: AbortSignal | undefined): Promise<void> => {
    signal?.throwIfAborted();
    if (running < concurrency) {
      running++;
      return;
    }
    if (waiters.size >= queue) throw busy();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = {
      start: () => {
        running++;
        signal?.removeEventListener("abort", giveUp);
        resolve();
      },
    };
    const giveUp = () => {
      if (waiters.delete(waiter)) reject(signal?.reason);
    };
    signal?.addEventListener("abort", giveUp, { once: true });
    waiters.add(waiter);
    await promise;
  };

  return {
    async run(work, signal) {
      await enter(signal);
      try {
        return await work();
      } finally {
        leave();
      }
    },
    get running() {
      return running;
    },
    get waiting() {
      return waiters.size;
    },
    get full() {
      return waiters.size >= queue && running >= concurrency;
    },
  };
}

const busy = () =>
  fail.exhausted("busy", "too many people sign in at this moment", {
    remedy: "try again in a second",
    retryAfterMs: 1000,
  });

/** A full gate is worth telling whoever asks how the service is. */
export function requireRoom(gate: Gate): void {
  if (gate.full) throw new Error(`${gate.waiting} password hashes are waiting, which is the most`);
}

/**
 * How many hashes to run at once unless told: one core is left for all else,
 * and one thread of libuv's pool, in which the hashes run beside DNS and files.
 */
export function defaultConcurrency(cores: number, poolThreads: number): number {
  return Math.max(1, Math.min(cores, poolThreads) - 1);
}
