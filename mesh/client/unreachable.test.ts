import { describe, expect, test } from "vitest";
import { whileUnreachable } from "./unreachable.ts";

const refused = () =>
  new Error("unavailable", { cause: Object.assign(new Error("x"), { code: "ECONNREFUSED" }) });

describe("a callee that refuses connections", () => {
  test("is tried again until it is there, each time with what is left of the budget", async () => {
    const left: number[] = [];
    const answer = await whileUnreachable({ budgetMs: 3000, signal: undefined }, async (leftMs) => {
      left.push(leftMs);
      if (left.length < 4) throw refused();
      return "answer";
    });
    expect(answer).toBe("answer");
    expect(left).toHaveLength(4);
    expect(left.every(Number.isInteger)).toBe(true);
    expect(left[0]).toBeLessThanOrEqual(3000);
    expect(left).toEqual([...left].sort((a, b) => b - a));
    expect(left[3]).toBeLessThan(3000);
  });

  test("is given up when the budget is spent", async () => {
    let tries = 0;
    const work = whileUnreachable({ budgetMs: 120, signal: undefined }, async () => {
      tries++;
      throw refused();
    });
    await expect(work).rejects.toThrow("unavailable");
    expect(tries).toBeGreaterThan(1);
  });

  test("is not waited for once the caller hangs up", async () => {
    const controller = new AbortController();
    const work = whileUnreachable({ budgetMs: 60_000, signal: controller.signal }, async () => {
      controller.abort();
      throw refused();
    });
    await expect(work).rejects.toThrow("unavailable");
  });
});

test("any other error is the caller's at once: the call may have had an effect", async () => {
  let tries = 0;
  const work = whileUnreachable({ budgetMs: 5000, signal: undefined }, async () => {
    tries++;
    throw Object.assign(new Error("reset"), { code: "ECONNRESET" });
  });
  await expect(work).rejects.toThrow("reset");
  expect(tries).toBe(1);
});
