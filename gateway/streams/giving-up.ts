/** Ends all waiting of one piece of work at once, when there is a reason to. */
export interface GivingUp {
  /** The first reason counts. */
  giveUp(reason: unknown): void;
  /** Waits for something unless it is given up before. */
  unless<T>(promise: Promise<T>): Promise<T>;
}

/**
 * As `Promise.race` with a promise of the end would do, but that keeps all it
 * ever raced for as long as the end does not come: of an upload, every chunk.
 */
export function createGivingUp(): GivingUp {
  const waiting = new Set<(reason: unknown) => void>();
  let given: { reason: unknown } | undefined;
  return {
    giveUp(reason) {
      if (given) return;
      given = { reason };
      for (const tell of waiting) tell(reason);
      waiting.clear();
    },
    unless: (promise) =>
      new Promise((resolve, reject) => {
        if (given) reject(given.reason);
        else waiting.add(reject);
        const over = () => void waiting.delete(reject);
        promise.then(
          (value) => {
            over();
            resolve(value);
          },
          (error: unknown) => {
            over();
            reject(error);
          },
        );
      }),
  };
}
