import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createReplay } from "./replay.ts";

/** A source whose messages come when the test says. */
function slowSource() {
  const waiting: Array<(step: IteratorResult<number, undefined>) => void> = [];
  let closed = 0;
  return {
    give: (value: number) => waiting.shift()?.({ done: false, value }),
    end: () => waiting.shift()?.({ done: true, value: undefined }),
    closed: () => closed,
    messages: {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<number, undefined>>((resolve) => waiting.push(resolve)),
        return: async () => {
          closed++;
          return { done: true as const, value: undefined };
        },
      }),
    },
  };
}

async function* several(...values: number[]) {
  yield* values;
}

describe("messages of a call that is made again", () => {
  test("are the same from the first on, when no more was taken than that", async () => {
    const replay = createReplay(several(1, 2, 3));
    const first = replay[Symbol.asyncIterator]();
    expect(await first.next()).toEqual({ done: false, value: 1 });
    await first.return?.();
    expect(replay.possible).toBe(true);
    const all: number[] = [];
    for await (const message of replay) all.push(message);
    expect(all).toEqual([1, 2, 3]);
  });

  test("lose none that came while the first attempt failed", async () => {
    const source = slowSource();
    const replay = createReplay(source.messages);
    const failed = replay[Symbol.asyncIterator]();
    void failed.next();
    await failed.return?.();
    const again = replay[Symbol.asyncIterator]();
    const next = again.next();
    source.give(1);
    expect(await next).toEqual({ done: false, value: 1 });
    expect(replay.possible).toBe(true);
  });

  test("are all there for a call with one message, though its end was taken too", async () => {
    const replay = createReplay(several(1));
    for await (const _ of replay);
    expect(replay.possible).toBe(true);
    const all: number[] = [];
    for await (const message of replay) all.push(message);
    expect(all).toEqual([1]);
  });

  test("are not there any more once a third was asked for", async () => {
    const replay = createReplay(several(1, 2, 3));
    const iterator = replay[Symbol.asyncIterator]();
    for (let i = 0; i < 3; i++) await iterator.next();
    expect(replay.possible).toBe(false);
  });

  test("come from a source that is let go at the end, once", async () => {
    const source = slowSource();
    const replay = createReplay(source.messages);
    const iterator = replay[Symbol.asyncIterator]();
    void iterator.next();
    await iterator.return?.();
    expect(source.closed()).toBe(0);
    replay.close();
    replay.close();
    expect(source.closed()).toBe(1);
  });

  test("that broke off do not look as if they were all there", async () => {
    const replay = createReplay(several(1, 2, 3));
    const iterator = replay[Symbol.asyncIterator]();
    await iterator.next();
    replay.close();
    await expect(iterator.next()).rejects.toThrow("the call ended before its messages did");
  });

  test("that were all taken are at their end, also once the call is over", async () => {
    const replay = createReplay(several(1));
    for await (const _ of replay);
    replay.close();
    expect(await replay[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined });
  });

  test("are whole and in order at the last attempt, however far the others came", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer(), { maxLength: 5 }),
        fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 4 }),
        async (values, attempts) => {
          const replay = createReplay(several(...values));
          for (const steps of attempts) {
            const iterator = replay[Symbol.asyncIterator]();
            // Not awaited: an attempt may fail while it still waits.
            for (let i = 0; i < steps; i++) void iterator.next();
            await iterator.return?.();
          }
          expect(replay.possible).toBe(true);
          const all: number[] = [];
          for await (const value of replay) all.push(value);
          expect(all).toEqual(values);
        },
      ),
    );
  });
});
