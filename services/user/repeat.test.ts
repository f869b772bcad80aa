import { expect, test, vi } from "vitest";
import type { Logger } from "#mesh";
import { repeat } from "./repeat.ts";

test("repeats at once and again, also after a failure, until told to stop", async () => {
  const log = { error: vi.fn() } as unknown as Logger;
  const stopping = new AbortController();
  let rounds = 0;
  await repeat("work", { everyMs: 1, stopping: stopping.signal, log }, async () => {
    rounds++;
    if (rounds === 1) throw new Error("first round");
    if (rounds === 3) stopping.abort();
  });
  expect(rounds).toBe(3);
  expect(log.error).toHaveBeenCalledOnce();
});
