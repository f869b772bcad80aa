import type { AdaptiveLimit, LimitOutcome } from "./adaptive-limit.ts";

/** How long a call may wait until the limit lets it in. */
export interface WaitingPolicy {
  /** Calls that may wait. Default 1024. */
  readonly maxWaiting: number;
  /** The longest wait while the room was empty not long ago: a burst, which passes. Default 1 s. */
  readonly burstMs: number;
  /** The longest wait once it has not been empty for that long: an overload, which does not. Default 50 ms. */
  readonly standingMs: number;
}

export const waitingPolicy: WaitingPolicy = { maxWaiting: 1024, burstMs: 1000, standingMs: 50 };

/** Stands before the adaptive limit, so that a burst waits where only an overload is turned away. */
export interface WaitingRoom {
  /**
   * Whether the call may go on; a promise of it when it has to wait. Who may must
   * `leave`. Of the time that the call has, no more than a quarter is waited away.
   */
  enter(budgetMs: number): boolean | Promise<boolean>;
  /** As the limit's own. */
  leave(method: number, durationMs: number, outcome: LimitOutcome): void;
  readonly waiting: number;
  readonly inFlight: number;
}

export interface WaitingRoomOptions {
  limit: AdaptiveLimit;
  /** A clock that does not go back. */
  now: () => number;
  /** Default `waitingPolicy`. */
  policy?: WaitingPolicy;
}

interface Waiter {
  readonly sinceMs: number;
  /** What it waits at most, however good the prospects. */
  readonly longestMs: number;
  readonly decide: (mayGoOn: boolean) => void;
}

const waited = ({ sinceMs }: Waiter, nowMs: number) => nowMs - sinceMs;

/** First come, first in: controlled delay (Nichols and Jacobson), in the simple form that servers at Facebook used. */
export function createWaitingRoom(options: WaitingRoomOptions): WaitingRoom {
  const { limit, now, policy = waitingPolicy } = options;
  let queue: Waiter[] = [];
  let first = 0;
  let emptyMs = now();
  let timer: NodeJS.Timeout | undefined;

  const size = () => queue.length - first;
  const patience = (nowMs: number) => (nowMs - emptyMs > policy.burstMs ? policy.standingMs : policy.burstMs);

  const next = (): Waiter | undefined => {
    const waiter = queue[first++];
    if (first === queue.length) {
      queue = [];
      first = 0;
      emptyMs = now();
    } else if (first > 512) {
      queue = queue.slice(first);
      first = 0;
    }
    return waiter;
  };

  const turnAway = () => {
    timer = undefined;
    const nowMs = now();
    const most = patience(nowMs);
    for (let head = queue[first]; head && waited(head, nowMs) >= most; head = queue[first])
      next()?.decide(false);
    // Those of little time may stand behind others of more.
    const late = queue.slice(first).filter((it) => waited(it, nowMs) >= it.longestMs);
    if (late.length > 0) {
      const gone = new Set(late);
      queue = queue.slice(first).filter((it) => !gone.has(it));
      first = 0;
      if (queue.length === 0) emptyMs = nowMs;
      for (const waiter of late) waiter.decide(false);
    }
    watch();
  };

  const watch = () => {
    const head = queue[first];
    if (!head || timer) return;
    const nowMs = now();
    // Looked at again soon even so: patience ends when a burst turns out to be more than that.
    const leftMs = head.sinceMs + patience(nowMs) - nowMs;
    timer = setTimeout(turnAway, Math.max(1, Math.min(leftMs, policy.standingMs)));
    timer.unref();
  };

  return {
    enter(budgetMs) {
      if (size() === 0 && limit.tryEnter()) return true;
      if (size() >= policy.maxWaiting) return false;
      if (size() === 0) emptyMs = now();
      return new Promise((decide) => {
        queue.push({ sinceMs: now(), longestMs: budgetMs / 4, decide });
        watch();
      });
    },
    leave(method, durationMs, outcome) {
      limit.leave(method, durationMs, outcome);
      while (size() > 0 && limit.tryEnter()) next()?.decide(true);
    },
    get waiting() {
      return size();
    },
    get inFlight() {
      return limit.inFlight;
    },
  };
}
