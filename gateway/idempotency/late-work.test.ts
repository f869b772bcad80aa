import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createLogger } from "#mesh";
import { collectLogs } from "#mesh/testing/logs.ts";
import { createLateWork } from "./late-work.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

function open() {
  const logs = collectLogs();
  const log = createLogger({ service: "gateway", level: "info", contracts: [], destination: logs });
  const late = createLateWork({ log, againMs: 500, mostBytes: 1000, now: () => Date.now() });
  const attempts: string[] = [];
  const work = (name: string, fails: number, untilMs = 60_000, bytes = 400) => {
    let left = fails;
    late.add({
      bytes,
      untilMs,
      attempt: async () => {
        attempts.push(name);
        if (left-- > 0) throw new Error("away");
      },
    });
  };
  return { late, logs, attempts, work };
}

test("work is tried again until it is done, and no more then", async () => {
  const { attempts, work } = open();
  work("a", 2);
  work("b", 0);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(attempts).toEqual(["a", "b", "a", "a"]);
  expect(vi.getTimerCount()).toBe(0);
});

test("it is given up when it is of no more use, which is said", async () => {
  const { attempts, logs, work } = open();
  work("a", 1000, 1200);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(attempts).toHaveLength(3);
  expect(logs.text).toContain("given up");
});

test("what takes too much memory goes, the oldest first, said once for many", async () => {
  const { attempts, logs, work } = open();
  for (const name of ["a", "b", "c", "d"]) work(name, 0);
  await vi.advanceTimersByTimeAsync(500);
  expect(attempts).toEqual(["c", "d"]);
  expect(logs.lines).toHaveLength(1);
});

test("once closed nothing is tried", async () => {
  const { late, attempts, work } = open();
  work("a", 0);
  late.close();
  await vi.advanceTimersByTimeAsync(1000);
  expect(attempts).toEqual([]);
});
