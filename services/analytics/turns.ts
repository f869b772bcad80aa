/** Lets work of this process wait for its turn. */
export type Turn = <T>(work: () => Promise<T>) => Promise<T>;

/** One at a time: whoever waits here has no connection yet, as with a lock of the database. */
export function createTurns(): Turn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => {});
    return mine;
  };
}
