/** Counts what should be rare; true once there was more of it than allowed within a window. */
export type Rate = () => boolean;

export function createRate(allowed: number, windowMs: number, now: () => number = Date.now): Rate {
  let start = now();
  let count = 0;
  return () => {
    const time = now();
    if (time - start > windowMs) {
      start = time;
      count = 0;
    }
    return ++count > allowed;
  };
}
