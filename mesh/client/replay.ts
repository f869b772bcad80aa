/** Messages that can be sent anew as long as hardly any was sent. */
export interface Replay<T> extends AsyncIterable<T> {
  /** Not more than the first was taken, and that is kept. */
  readonly possible: boolean;
}

/**
 * Of what a caller streams only the first message is kept: for a call with one
 * that is all of it, and for others a connection is found or not by then.
 */
export function createReplay<T>(messages: AsyncIterable<T>): Replay<T> {
  const source = messages[Symbol.asyncIterator]();
  let first: IteratorResult<T> | undefined;
  let taken = 0;
  return {
    get possible() {
      return taken <= 1;
    },
    [Symbol.asyncIterator]() {
      let given = 0;
      return {
        async next() {
          given++;
          if (given === 1 && first) return first;
          taken++;
          const step = await source.next();
          first ??= step;
          return step;
        },
        return: async (value?: unknown) => {
          // While it may be needed again the source stays open; it ends with the call.
          if (taken > 1) await source.return?.();
          return { done: true as const, value: value as T };
        },
      };
    },
  };
}
