import { describe, expect, test } from "vitest";
import type { Work } from "./load.ts";
import { runLoad } from "./load.ts";

/** Time that goes on by `stepMs` with each piece of work. */
function clockwork(stepMs: number) {
  let at = 0;
  const work: Work = async (note) => {
    const began = at;
    at += stepMs;
    await Promise.resolve();
    note(began);
  };
  return { work, now: () => at };
}

describe("a load", () => {
  test("counts what was done, and what it took", async () => {
    const { work, now } = clockwork(10);
    const result = await runLoad({ work, lanes: 1, ms: 1000, now });
    expect(result.perSecond).toBe(100);
    expect(result.total).toBe(100);
    expect(result.p50Ms).toBeCloseTo(10, 0);
  });

  test("waits for what is under way at the end, and counts both it and its time", async () => {
    const { work, now } = clockwork(300);
    const result = await runLoad({ work, lanes: 1, ms: 1000, now });
    expect(result.perSecond).toBeCloseTo(4 / 1.2);
    expect(result.total).toBe(4);
  });

  test("keeps as much work under way as it has lanes, and no more", async () => {
    let running = 0;
    let most = 0;
    let left = 100;
    const work: Work = async (note) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      left--;
      note(Number.NaN);
    };
    await runLoad({ work, lanes: 7, ms: 1, now: () => (left > 0 ? 0 : 2) });
    expect([most, running]).toEqual([7, 0]);
  });

  test("has no latencies where none were noted", async () => {
    let at = 0;
    const work: Work = async (note) => {
      at += 10;
      note(Number.NaN);
    };
    expect((await runLoad({ work, lanes: 1, ms: 100, now: () => at })).p50Ms).toBeNaN();
  });

  test("fails when a piece of work fails, and stops the other lanes", async () => {
    let begun = 0;
    const work: Work = async () => {
      if (++begun === 20) throw new Error("refused");
      await new Promise((resolve) => setImmediate(resolve));
    };
    await expect(runLoad({ work, lanes: 4, ms: 60_000 })).rejects.toThrow("refused");
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(begun).toBeLessThan(30);
  });
});
