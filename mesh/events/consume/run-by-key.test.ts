import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { createKeyedRunner } from "./run-by-key.ts";

test("what has one key goes one after the other, in order, whatever fails; and never more at once than may", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ key: fc.nat(4), failures: fc.nat(2), slow: fc.boolean() }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 5 }),
      async (items, concurrency) => {
        const done = new Map<number, number[]>();
        const inLane = new Set<number>();
        let running = 0;
        let left = items.length;
        const runner = createKeyedRunner<{ index: number; key: number }>(
          concurrency,
          async ({ index, key }, tries) => {
            expect(inLane.has(key)).toBe(false);
            expect(++running).toBeLessThanOrEqual(concurrency);
            inLane.add(key);
            if (items[index]!.slow) await sleep(0);
            running--;
            inLane.delete(key);
            if (tries <= items[index]!.failures) return 0;
            done.set(key, [...(done.get(key) ?? []), index]);
            left--;
            return undefined;
          },
        );
        for (const [index, { key }] of items.entries()) runner.add(String(key), { index, key });
        await vi.waitFor(() => expect(left).toBe(0), { timeout: 5000, interval: 1 });
        for (const indexes of done.values()) expect(indexes).toEqual(indexes.toSorted((a, b) => a - b));
        await runner.idle();
      },
    ),
    { numRuns: 40 },
  );
});

test("what waits for another try takes no one's place", async () => {
  const seen: string[] = [];
  const runner = createKeyedRunner<string>(1, async (item) => {
    seen.push(item);
    return item === "bad" ? 60_000 : undefined;
  });
  for (const item of ["bad", "a", "b"]) runner.add(item, item);
  await vi.waitFor(() => expect(seen).toEqual(["bad", "a", "b"]));
  runner.close();
  await runner.idle();
});

test("closed, it begins nothing, and is idle when what runs has ended", async () => {
  const gate = Promise.withResolvers<void>();
  const seen: string[] = [];
  const runner = createKeyedRunner<string>(1, async (item) => {
    seen.push(item);
    await gate.promise;
    return undefined;
  });
  runner.add("a", "a");
  runner.add("b", "b");
  runner.close();
  const idle = runner.idle();
  gate.resolve();
  await idle;
  expect(seen).toEqual(["a"]);
});
