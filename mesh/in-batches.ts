/** Takes step after step, each of so many at most, until one finds fewer: each is a statement that is soon over. */
export async function inBatches(
  batch: number,
  stopping: AbortSignal,
  step: (batch: number) => Promise<number>,
): Promise<void> {
  while (!stopping.aborted && (await step(batch)) === batch);
}
