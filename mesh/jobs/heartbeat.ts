import type { Logger } from "../log/logger.ts";
import type { Lease } from "./outcome.ts";
import type { Mark, Progress } from "./progress.ts";
import type { WorkerPolicy } from "./worker-policy.ts";

/** A job in hand. */
export interface Held {
  readonly lease: Lease;
  readonly leaseMs: number;
  readonly progress: Progress;
  /** Until when the lease lasts at most, by the clock of the worker. */
  untilMs: number;
  /** Whether it is still worked on. */
  readonly isLive: () => boolean;
  /** It is somebody else's now. */
  lose(): void;
}

export interface Sign {
  readonly lease: Lease;
  readonly mark?: Mark | undefined;
}

export interface HeartbeatOptions {
  readonly held: () => Iterable<Held>;
  /** Tells the queue that these are worked on; gives those that were no longer this worker's. */
  readonly extend: (signs: readonly Sign[]) => Promise<readonly Lease[]>;
  readonly policy: WorkerPolicy;
  readonly log: Logger;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

export interface Heartbeat {
  /** A job is in hand that was not before. */
  began(leaseMs: number): void;
  /** A job has something to show. */
  progressed(): void;
  stop(): void;
}

/** Pause after the queue did not answer: leases run meanwhile. */
const againMs = 1000;

/** Keeps the leases of all jobs in hand, by one call for all at a third of the shortest. */
export function createHeartbeat({ held, extend, policy, log, now }: HeartbeatOptions): Heartbeat {
  let timer: NodeJS.Timeout | undefined;
  let dueMs = Number.POSITIVE_INFINITY;
  let lastMs = Number.NEGATIVE_INFINITY;
  let isBeating = false;
  let isFailing = false;
  let isStopped = false;

  const schedule = (atMs: number) => {
    if (isStopped || atMs >= dueMs) return;
    dueMs = atMs;
    if (isBeating) return;
    clearTimeout(timer);
    timer = setTimeout(() => void beat(), Math.max(0, dueMs - now())).unref();
  };

  const tell = async (live: readonly Held[]) => {
    const signs = live.map(({ lease, progress }) => ({ lease, mark: progress.untold() }));
    const gone = new Set((await extend(signs)).map(keyOf));
    const answeredMs = now();
    for (const [at, it] of live.entries()) {
      if (gone.has(keyOf(it.lease))) it.lose();
      else it.untilMs = answeredMs + it.leaseMs;
      it.progress.told(signs[at]?.mark);
    }
  };

  const beat = async () => {
    isBeating = true;
    dueMs = Number.POSITIVE_INFINITY;
    const sentMs = now();
    const live = [...held()].filter((it) => it.isLive());
    try {
      for (let at = 0; at < live.length; at += policy.mostPerCall) {
        await tell(live.slice(at, at + policy.mostPerCall));
      }
      if (isFailing) log.info("jobs in hand are kept again");
      isFailing = false;
      lastMs = sentMs;
      for (const it of live) if (it.isLive()) schedule(sentMs + it.leaseMs / 3);
      if (live.some((it) => it.isLive() && it.progress.untold())) schedule(lastMs + policy.progressMs);
    } catch (err) {
      if (!isFailing && !isStopped) {
        log.warn(
          { err },
          "the queue cannot be told now that jobs are worked on; they go on, and it is tried again",
        );
      }
      isFailing = true;
      schedule(now() + againMs);
    } finally {
      isBeating = false;
      const atMs = dueMs;
      dueMs = Number.POSITIVE_INFINITY;
      schedule(atMs);
    }
  };

  return {
    began: (leaseMs) => schedule(now() + leaseMs / 3),
    progressed: () => schedule(Math.max(now(), lastMs + policy.progressMs)),
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

export const keyOf = ({ id, attempt }: Lease): string => `${id} ${attempt}`;
