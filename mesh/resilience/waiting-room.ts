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

const waitingPolicy: WaitingPolicy = { maxWaiting: 1024, burstMs: 1000, standingMs: 50 };

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

/** First come, first in: controlled delay (Nichols and Jacobson), in the simple form that servers at Facebook used. */
export function createWaitingRoom(options: WaitingRoomOptions): WaitingRoom {
  const { limit, now, policy = waitingPolicy } = options;
  let queue: Waiter[] = [];
  /** When the first of those that wait now came into the empty room. */
  let emptyMs = now();
  let timer: NodeJS.Timeout | undefined;

  const patience = (nowMs: number) => (nowMs - emptyMs > policy.burstMs ? policy.standingMs : policy.burstMs);

  const turnAway = () => {
    timer = undefined;
    const nowMs = now();
    const most = patience(nowMs);
    const staying: Waiter[] = [];
    // All of them, since those of little time may stand behind others of more.
    for (const waiter of queue) {
      if (nowMs - waiter.sinceMs < Math.min(most, waiter.longestMs)) staying.push(waiter);
      else waiter.decide(false);
    }
    queue = staying;
    watch();
  };

  const watch = () => {
    const [head] = queue;
    if (!head || timer) return;
    const nowMs = now();
    // Looked at again soon even so: patience ends when a burst turns out to be more than that.
    const leftMs = head.sinceMs + patience(nowMs) - nowMs;
    timer = setTimeout(turnAway, Math.max(1, Math.min(leftMs, policy.standingMs)));
    timer.unref();
  };

  return {
    enter(budgetMs) {
      if (queue.length === 0 && limit.tryEnter()) return true;
      if (queue.length >= policy.maxWaiting) return false;
      const sinceMs = now();
      if (queue.length === 0) emptyMs = sinceMs;
      return new Promise((decide) => {
        queue.push({ sinceMs, longestMs: budgetMs / 4, decide });
        watch();
      });
    },
    leave(method, durationMs, outcome) {
      limit.leave(method, durationMs, outcome);
      // To shift costs little: no more wait than the policy lets.
      while (queue.length > 0 && limit.tryEnter()) queue.shift()?.decide(true);
    },
    get waiting() {
      return queue.length;
    },
    get inFlight() {
      return limit.inFlight;
    },
  };
}
