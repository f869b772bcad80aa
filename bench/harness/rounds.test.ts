import { describe, expect, test } from "vitest";
import type { Contender, Figures } from "./contender.ts";
import type { Progress } from "./progress.ts";
import { runRounds } from "./rounds.ts";

const silent: Progress = { stage: () => {}, step: () => {}, done: () => {} };
const figures = (perSecond: number): Figures => ({
  perSecond,
  p50Ms: 1,
  p99Ms: 2,
  cpuClientMicros: 3,
  cpuServerMicros: 4,
  rssClientMb: 5,
  rssServerMb: 6,
});

/** Writes down what it is asked, and gives the rates in turn. */
function contender(name: string, seen: string[], rates: number[] = []): Contender {
  return {
    name,
    check: async (work) => void seen.push(`check ${name} ${work}`),
    measure: async ({ name: work, lanes }, ms) => {
      seen.push(`${name} ${work} ${lanes} ${ms}`);
      return figures(ms === 100 ? (rates.shift() ?? 0) : 0);
    },
    stop: async () => {},
  };
}

const pace = { prepareMs: 30, warmUpMs: 10, roundMs: 100, rounds: 3 };

describe("rounds", () => {
  test("check everyone first, then warm up everyone, then measure in turn", async () => {
    const seen: string[] = [];
    const contenders = [contender("a", seen), contender("b", seen)];
    await runRounds({ contenders, cells: [{ name: "echo", lanes: 64 }], pace, progress: silent });
    expect(seen).toEqual([
      "check a echo",
      "a echo 16 30",
      "check b echo",
      "b echo 16 30",
      "a echo 64 10",
      "b echo 64 10",
      ...Array(3).fill(["a echo 64 100", "b echo 64 100"]).flat(),
    ]);
  });

  test("end in the median of each", async () => {
    const contenders = [contender("a", [], [100, 1, 104]), contender("b", [], [50, 55, 500])];
    const results = await runRounds({
      contenders,
      cells: [{ name: "echo", lanes: 1 }],
      pace,
      progress: silent,
    });
    expect(results.map(({ peer, perSecond, inFlight }) => [peer, perSecond, inFlight])).toEqual([
      ["a", 100, 1],
      ["b", 55, 1],
    ]);
  });

  test("do not begin when one does not do the work", async () => {
    const cheat = {
      ...contender("a", []),
      check: () => Promise.reject(new Error("it does not do the work")),
    };
    const running = runRounds({
      contenders: [cheat],
      cells: [{ name: "echo", lanes: 1 }],
      pace,
      progress: silent,
    });
    await expect(running).rejects.toThrow("does not do the work");
  });
});
