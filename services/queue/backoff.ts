const longestMs = 3_600_000;

/**
 * The pause after the given number of failed attempts: doubled with each, up to
 * an hour. From half of it to all, since those that failed together must not
 * come back together.
 */
export function pauseMs(failures: number, baseMs: number, random: () => number): number {
  const step = Math.min(longestMs, baseMs * 2 ** Math.max(0, failures - 1));
  return Math.round(step / 2 + (step / 2) * random());
}
