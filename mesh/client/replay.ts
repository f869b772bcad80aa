import { fail } from "../errors.ts";

/** Messages that can be sent anew as long as hardly any was sent. */
export interface Replay<T> extends AsyncIterable<T> {
  /** Not more was taken than is kept. */
  readonly possible: boolean;
  /** Nobody needs them any more: the source may clean up. */
  close(): void;
}

/**
 * The first message and what comes behind it: for a call with one message that is
 * all of it, and for others a connection is found or not by then.
 */
const mostKept = 2;

/**
 * Of what a caller streams, the beginning is kept. Promises are, not messages: a
 * caller may take its time, and what an attempt that failed meanwhile still waits
 * for must reach the next.
 */
export function createReplay<T>(messages: AsyncIterable<T>): Replay<T> {
  const source = messages[Symbol.asyncIterator]();
  let kept: Promise<IteratorResult<T>>[] = [];
  let taken = 0;
  let closed = false;
  let ended = false;

  const close = () => {
    if (closed) return;
    closed = true;
    kept = [];
    // It ends when it ends; what its clean-up throws has no call any more to be told of.
    source.return?.().catch(() => {});
  };
  const take = (): Promise<IteratorResult<T>> => {
    taken++;
    if (taken > mostKept) kept = [];
    const step = source.next();
    step.then(({ done }) => {
      ended ||= done === true;
    }, ignore);
    if (taken <= mostKept) kept.push(step);
    return step;
  };
  // While they may be needed again the source stays open; it ends with the call.
  const leave = () => {
    if (taken > mostKept) close();
  };
  return {
    get possible() {
      return taken <= mostKept;
    },
    close,
    [Symbol.asyncIterator]() {
      let given = 0;
      return {
        next: () => {
          if (closed) return ended ? theEnd() : Promise.reject(brokenOff());
          return kept[given++] ?? take();
        },
        return: async (value?: unknown) => {
          leave();
          return { done: true as const, value: value as T };
        },
        // The protocol library takes no messages that lack this.
        throw: async (error: unknown) => {
          leave();
          throw error;
        },
      };
    },
  };
}

const theEnd = () => Promise.resolve({ done: true as const, value: undefined });
/** Told to whoever takes the message. */
const ignore = () => {};

/** To the callee it must not look as if the messages were all there. */
const brokenOff = () => fail.canceled("canceled", "the call ended before its messages did");
