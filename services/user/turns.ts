import { fail } from "#mesh";

/** Ends a turn; the next one in line begins. */
export type EndTurn = () => void;

/** Lets so much be under way, and of it so much for one caller. */
export interface Turns {
  /** A turn that begins now, if there is room. */
  take(who: string): EndTurn | undefined;
  /** A turn that begins when there is room; rejects when the signal ends the wait. */
  wait(who: string, signal: AbortSignal): Promise<EndTurn>;
}

export interface TurnsOptions {
  /** Most under way. */
  all: number;
  /** Most under way for one caller. */
  perCaller: number;
  /** Most that wait for one caller; what comes after is turned away. */
  waitingPerCaller: number;
}

interface Waiter {
  readonly who: string;
  readonly begin: () => void;
}

export function createTurns({ all, perCaller, waitingPerCaller }: TurnsOptions): Turns {
  const waiters = new Set<Waiter>();
  const underWay = createTally();
  const waiting = createTally();

  const hasRoom = (who: string) => underWay.total < all && underWay.of(who) < perCaller;

  const begin = (who: string): EndTurn => {
    underWay.add(who);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      underWay.remove(who);
      // A Set keeps insertion order; whoever has too many under way is passed over.
      for (const waiter of waiters) {
        if (!hasRoom(waiter.who)) continue;
        waiter.begin();
        return;
      }
    };
  };

  return {
    take: (who) => (hasRoom(who) ? begin(who) : undefined),

    async wait(who, signal) {
      signal.throwIfAborted();
      if (hasRoom(who)) return begin(who);
      if (waiting.of(who) >= waitingPerCaller) throw tooManyAtOnce();
      const { promise, resolve, reject } = Promise.withResolvers<EndTurn>();
      const leave = () => {
        waiters.delete(waiter);
        waiting.remove(who);
        signal.removeEventListener("abort", giveUp);
      };
      const waiter: Waiter = {
        who,
        begin: () => {
          leave();
          resolve(begin(who));
        },
      };
      const giveUp = () => {
        leave();
        reject(signal.reason);
      };
      signal.addEventListener("abort", giveUp, { once: true });
      waiters.add(waiter);
      waiting.add(who);
      return promise;
    },
  };
}

const tooManyAtOnce = () =>
  fail.exhausted("too_many_at_once", "too many changes of yours are under way", {
    remedy: "make them one after the other",
    retryAfterMs: 1000,
  });

/** How many there are of each; what there is none of takes no memory. */
function createTally() {
  const counts = new Map<string, number>();
  let total = 0;
  return {
    add(who: string) {
      counts.set(who, (counts.get(who) ?? 0) + 1);
      total++;
    },
    remove(who: string) {
      const left = (counts.get(who) ?? 0) - 1;
      if (left > 0) counts.set(who, left);
      else counts.delete(who);
      total--;
    },
    of: (who: string) => counts.get(who) ?? 0,
    get total() {
      return total;
    },
  };
}
