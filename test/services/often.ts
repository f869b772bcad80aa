/** Does it so often, a few at once: a machine that is busy with other tests would turn a crowd away. */
export async function often(
  times: number,
  work: (at: number) => Promise<unknown>,
  atOnce = 20,
): Promise<void> {
  for (let from = 0; from < times; from += atOnce) {
    const length = Math.min(atOnce, times - from);
    await Promise.all(Array.from({ length }, (_, at) => work(from + at)));
  }
}
