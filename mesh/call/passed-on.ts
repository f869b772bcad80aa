/** Errors that calls made from here ended with, after all the tries they were worth. */
const outcomes = new WeakSet<Error>();

export function markOutcome(error: unknown): void {
  if (error instanceof Error) outcomes.add(error);
}

/**
 * Whether a handler failed with what a call of its own ended with. Whoever
 * called it should not try again: that was done one hop further on, and tries
 * at every hop would multiply.
 */
export function isPassedOn(error: unknown): boolean {
  let it: unknown = error;
  for (let depth = 0; depth < 5 && it instanceof Error; depth++) {
    if (outcomes.has(it)) return true;
    it = it.cause;
  }
  return false;
}
