import { fail } from "../errors.ts";

/** How much of one callee's trouble a caller takes upon itself. */
export interface BulkheadPolicy {
  /** Calls in flight to the callee, all its instances together. Default 512. */
  readonly maxInFlight: number;
  /** Calls that may wait for a place. Default 4096. */
  readonly maxWaiting: number;
}

export const bulkheadPolicy: BulkheadPolicy = { maxInFlight: 512, maxWaiting: 4096 };

/** What a call shows of itself while it waits: `cancel` is set then, and only then. */
export interface Cancellable {
  /** Ends the wait; `enter` rejects with this error. */
  cancel: ((error: unknown) => void) | undefined;
}

/** Keeps one slow callee from taking up the whole caller. */
export interface Bulkhead {
  /**
   * Takes a place. Nothing is returned when there was one, else a promise of it;
   * throws when the queue is full. Who entered must `leave()`, also when the
   * promise is fulfilled after the caller lost interest.
   */
  enter(timeoutMs: number, call?: Cancellable): undefined | Promise<void>;
  leave(): void;
  readonly inFlight: number;
  readonly waiting: number;
}

export interface BulkheadOptions {
  callee: string;
  /** Default `bulkheadPolicy`. */
  policy?: BulkheadPolicy;
}

interface Waiter {
  enter: () => void;
  previous: Waiter | undefined;
  next: Waiter | undefined;
}

/** Longer timers fire at once in Node. */
const longestTimerMs = 2 ** 31 - 1;

export function createBulkhead({ callee, policy = bulkheadPolicy }: BulkheadOptions): Bulkhead {
  let inFlight = 0;
  let waiting = 0;
  let first: Waiter | undefined;
  let last: Waiter | undefined;

  const append = (waiter: Waiter) => {
    waiter.previous = last;
    if (last) last.next = waiter;
    else first = waiter;
    last = waiter;
    waiting++;
  };

  // Taken out at once, not when its turn comes: the dead must not fill the queue.
  const remove = (waiter: Waiter) => {
    if (waiter.previous) waiter.previous.next = waiter.next;
    else first = waiter.next;
    if (waiter.next) waiter.next.previous = waiter.previous;
    else last = waiter.previous;
    waiting--;
  };

  const tooLate = (timeoutMs: number) =>
    fail.deadline(
      "bulkhead_wait",
      `the deadline passed after ${Math.max(0, Math.round(timeoutMs))} ms of waiting for a place among the ${policy.maxInFlight} calls to ${callee}`,
      { remedy: `${callee} is slower than it is called; call it less or raise its bulkhead` },
    );

  const wait = (timeoutMs: number, call: Cancellable | undefined) =>
    new Promise<void>((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        if (call) call.cancel = undefined;
        remove(waiter);
      };
      const abandon = (error: unknown) => {
        done();
        reject(error);
      };
      const waiter: Waiter = {
        enter: () => {
          done();
          resolve();
        },
        previous: undefined,
        next: undefined,
      };
      const timer = setTimeout(() => abandon(tooLate(timeoutMs)), Math.min(timeoutMs, longestTimerMs));
      if (call) call.cancel = abandon;
      append(waiter);
    });

  return {
    enter(timeoutMs, call) {
      if (inFlight < policy.maxInFlight) {
        inFlight++;
        return undefined;
      }
      if (timeoutMs <= 0) throw tooLate(timeoutMs);
      if (waiting >= policy.maxWaiting) {
        throw fail.exhausted(
          "bulkhead_full",
          `${inFlight} calls to ${callee} are in flight and ${waiting} wait, as many as may`,
          { remedy: `call ${callee} less, or raise its bulkhead if it can bear more` },
        );
      }
      return wait(timeoutMs, call);
    },
    leave() {
      // The place goes from hand to hand: nobody who comes in between can take it.
      if (first) return first.enter();
      if (inFlight === 0) {
        throw fail.internal("bulkhead_misused", `a call to ${callee} left that had not entered`);
      }
      inFlight--;
    },
    get inFlight() {
      return inFlight;
    },
    get waiting() {
      return waiting;
    },
  };
}
