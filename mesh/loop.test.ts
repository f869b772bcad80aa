import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { startLoop } from "./loop.ts";

const never = 2 ** 31 - 1;

test("a loop works at the start, when it is woken, and once more when woken while it works", async () => {
  const stopping = new AbortController();
  let rounds = 0;
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const started = [
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
  ];
  const loop = startLoop({
    everyMs: never,
    stopping: stopping.signal,
    work: async () => {
      const round = rounds++;
      started[round]?.resolve();
      await gates[round]?.promise;
    },
    failed: () => {},
  });
  await started[0]?.promise;
  loop.wake();
  loop.wake();
  gates[0]?.resolve();
  await started[1]?.promise;
  gates[1]?.resolve();
  await sleep(20);
  expect(rounds).toBe(2);
  loop.wake();
  await started[2]?.promise;
  gates[2]?.resolve();
  stopping.abort();
  await loop.ended;
});

test("a loop that rests begins no round sooner, and one round for all who wake it meanwhile", async () => {
  const stopping = new AbortController();
  const began: number[] = [];
  const second = Promise.withResolvers<void>();
  const loop = startLoop({
    everyMs: never,
    restMs: 60,
    stopping: stopping.signal,
    work: async () => {
      if (began.push(performance.now()) === 2) second.resolve();
    },
    failed: () => {},
  });
  for (let i = 0; i < 10; i++) {
    loop.wake();
    await sleep(2);
  }
  await second.promise;
  await sleep(80);
  expect(began).toHaveLength(2);
  expect(began[1]! - began[0]!).toBeGreaterThan(50);
  stopping.abort();
  await loop.ended;
});

test("a round that fails is told of and followed by another", async () => {
  const stopping = new AbortController();
  const failures: unknown[] = [];
  const second = Promise.withResolvers<void>();
  let rounds = 0;
  const loop = startLoop({
    everyMs: 10,
    stopping: stopping.signal,
    work: async () => {
      if (rounds++ === 0) throw new Error("once");
      second.resolve();
    },
    failed: (error) => failures.push(error),
  });
  await second.promise;
  expect(failures).toEqual([new Error("once")]);
  stopping.abort();
  await loop.ended;
});
