import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fail } from "../errors.ts";
import { newId } from "../id.ts";
import { createLogger } from "../log/logger.ts";
import { collectLogs } from "../testing/logs.ts";
import type { Ending } from "./settling.ts";
import { createSettling, nextBatch } from "./settling.ts";
import { workerPolicy } from "./worker-policy.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const now = () => performance.now();
const ending = (untilMs = Number.POSITIVE_INFINITY, id: string = newId()): Ending => ({
  lease: { id, attempt: 1 },
  outcome: { kind: "done" },
  untilMs,
});
const failing = (chars: number): Ending => ({
  ...ending(),
  outcome: { kind: "failed", error: "x".repeat(chars), stack: "", terminal: false, timedOut: false },
});

interface Queue {
  answerMs: number;
  answer: (batch: readonly Ending[]) => void;
  readonly batches: string[][];
  readonly told: string[];
  underWay: number;
  most: number;
}

function open(more: Partial<typeof workerPolicy> = {}) {
  const logs = collectLogs();
  const queue: Queue = { answerMs: 5, answer: () => {}, batches: [], told: [], underWay: 0, most: 0 };
  const settling = createSettling({
    settle: async (batch) => {
      queue.most = Math.max(queue.most, ++queue.underWay);
      await new Promise((resolve) => setTimeout(resolve, queue.answerMs));
      queue.underWay--;
      queue.answer(batch);
      const ids = batch.map(({ lease }) => lease.id);
      queue.batches.push(ids);
      queue.told.push(...ids);
      return [];
    },
    policy: { ...workerPolicy, ...more },
    log: createLogger({ service: "test", level: "info", contracts: [], destination: logs }),
    now,
    random: () => 0.5,
  });
  return { settling, queue, logs };
}

describe("what became of jobs", () => {
  test("is told together when it ends together, and by the next call what ends during one", async () => {
    const { settling, queue } = open();
    const endings = Array.from({ length: 5 }, () => ending());
    const ids = endings.map(({ lease }) => lease.id);
    settling.add(endings[0]!);
    settling.add(endings[1]!);
    await vi.advanceTimersByTimeAsync(workerPolicy.gatherMs + 1);
    for (const it of endings.slice(2)) settling.add(it);
    await vi.advanceTimersByTimeAsync(100);
    expect(queue.batches).toEqual([ids.slice(0, 2), ids.slice(2)]);
  });

  test("is told again until the queue answers, and one warning is enough", async () => {
    const { settling, queue, logs } = open();
    queue.answer = () => {
      throw fail.unavailable("no_instance", "no instance of queue is known");
    };
    const ids = [newId(), newId()];
    settling.add(ending(undefined, ids[0]));
    await vi.advanceTimersByTimeAsync(20_000);
    settling.add(ending(undefined, ids[1]));
    queue.answer = () => {};
    await vi.advanceTimersByTimeAsync(workerPolicy.awayMaxMs + 100);
    expect(queue.told).toEqual(ids);
    expect(logs.lines.map(({ message }) => message)).toEqual([
      "the queue cannot be told now what became of jobs; tried again",
      "the queue learns again what became of jobs",
    ]);
  });

  test("is given up when it is of no use any more", async () => {
    const { settling, queue, logs } = open();
    queue.answer = () => {
      throw fail.unavailable("no_instance", "no instance of queue is known");
    };
    settling.add(ending(now() + 1000));
    const late = ending(now() + 60_000);
    settling.add(late);
    await vi.advanceTimersByTimeAsync(10_000);
    queue.answer = () => {};
    await vi.advanceTimersByTimeAsync(10_000);
    expect(queue.told).toEqual([late.lease.id]);
    expect(logs.text).toContain("it did not answer until their leases were over");
  });

  test("is kept in bounded number, the newest", async () => {
    const { settling, queue } = open({ mostKept: 3 });
    queue.answer = () => {
      throw fail.unavailable("no_instance", "no instance of queue is known");
    };
    const all = Array.from({ length: 10 }, () => ending());
    for (const it of all) settling.add(it);
    await vi.advanceTimersByTimeAsync(2000);
    queue.answer = () => {};
    await vi.advanceTimersByTimeAsync(10_000);
    expect(queue.told).toEqual(all.slice(-3).map(({ lease }) => lease.id));
  });

  test("that the queue refuses does not hold up the rest", async () => {
    const { settling, queue, logs } = open();
    const all = Array.from({ length: 9 }, () => ending());
    const bad = all[4]!.lease.id;
    queue.answer = (batch) => {
      if (batch.some(({ lease }) => lease.id === bad)) throw fail.invalid("contract_violation", "no");
    };
    for (const it of all) settling.add(it);
    await vi.advanceTimersByTimeAsync(1000);
    const others = all.map(({ lease }) => lease.id).filter((id) => id !== bad);
    expect([...queue.told].sort()).toEqual([...others].sort());
    expect(logs.lines.filter(({ level }) => level === "error").map(({ job }) => job)).toEqual([bad]);
  });

  test("is told before the end, as long as there is time", async () => {
    const { settling, queue, logs } = open();
    queue.answerMs = 100;
    for (let at = 0; at < 3; at++) settling.add(ending());
    const closing = settling.close(1000);
    await vi.advanceTimersByTimeAsync(200);
    await closing;
    expect(queue.told).toHaveLength(3);
    expect(logs.lines).toEqual([]);
  });

  test("does not hold up the end of a service whose queue is away", async () => {
    const { settling, queue, logs } = open();
    queue.answer = () => {
      throw fail.unavailable("no_instance", "no instance of queue is known");
    };
    settling.add(ending());
    let isClosed = false;
    const closing = settling.close(1000).then(() => {
      isClosed = true;
    });
    await vi.advanceTimersByTimeAsync(999);
    expect(isClosed).toBe(false);
    await vi.advanceTimersByTimeAsync(2);
    await closing;
    expect(logs.text).toContain("this instance stops");
  });
});

test("a call takes as many as it may have and as fit into a message, and one at least", () => {
  const many = Array.from({ length: 10 }, () => failing(1000));
  expect(nextBatch(many, 4, Number.POSITIVE_INFINITY)).toHaveLength(4);
  expect(nextBatch(many, 100, 7000)).toHaveLength(2);
  expect(nextBatch(many, 100, 1)).toHaveLength(1);
  expect(nextBatch([], 4, 1000)).toEqual([]);
});

test("whatever ends when, and whenever the queue is away, each is told once, in order, one call at a time", async () => {
  const step = fc.record({
    waitMs: fc.nat(20),
    count: fc.nat(4),
    answerMs: fc.nat(15),
    isAway: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 15 }),
      fc.integer({ min: 1, max: 3 }),
      async (steps, most) => {
        const { settling, queue } = open({ mostPerCall: most });
        const added: string[] = [];
        for (const { waitMs, count, answerMs, isAway } of steps) {
          queue.answerMs = answerMs;
          queue.answer = () => {
            if (isAway) throw fail.unavailable("no_instance", "no instance of queue is known");
          };
          for (let at = 0; at < count; at++) {
            const it = ending();
            added.push(it.lease.id);
            settling.add(it);
          }
          await vi.advanceTimersByTimeAsync(waitMs);
        }
        queue.answer = () => {};
        await vi.advanceTimersByTimeAsync(60_000);
        expect(queue.told).toEqual(added);
        expect(queue.most).toBeLessThanOrEqual(1);
        for (const batch of queue.batches) expect(batch.length).toBeLessThanOrEqual(most);
      },
    ),
    { numRuns: 60 },
  );
});
