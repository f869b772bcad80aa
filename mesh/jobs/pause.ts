/** Waits that can be cut short. */
export interface Pause {
  /** Resolves when the time is over, or when it is woken. */
  wait(ms: number): Promise<void>;
  /** Ends the wait that goes on; nothing when there is none. */
  wake(): void;
}

export function createPause(): Pause {
  let end = () => {};
  return {
    wait: (ms) =>
      new Promise((resolve) => {
        const timer = Number.isFinite(ms) ? setTimeout(resolve, ms).unref() : undefined;
        end = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
    wake: () => end(),
  };
}
