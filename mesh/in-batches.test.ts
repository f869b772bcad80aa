import { expect, test } from "vitest";
import { inBatches } from "./in-batches.ts";

test("steps are taken until one finds fewer, or somebody stops", async () => {
  const stopping = new AbortController();
  let left = 25;
  const steps: number[] = [];
  const some = async (batch: number) => {
    const found = Math.min(batch, left);
    left -= found;
    steps.push(found);
    return found;
  };
  await inBatches(10, stopping.signal, some);
  expect(steps).toEqual([10, 10, 5]);
  left = 100;
  await inBatches(10, stopping.signal, async (batch) => {
    stopping.abort();
    return some(batch);
  });
  await inBatches(10, stopping.signal, some);
  expect(left).toBe(90);
});
