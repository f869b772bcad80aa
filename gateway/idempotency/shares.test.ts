import { expect, test } from "vitest";
import { createShares } from "./shares.ts";

test("a share is used up by its holder alone, and comes free as what was stored goes", () => {
  let nowMs = 1_000_000;
  const shares = createShares({ mostBytes: 100, ttlMs: 8000, now: () => nowMs });
  for (let n = 0; n < 4; n++) {
    expect(shares.isUsedUp("ama")).toBe(false);
    shares.add("ama", 25);
    nowMs += 1000;
  }
  expect([shares.isUsedUp("ama"), shares.isUsedUp("kofi")]).toEqual([true, false]);
  nowMs += 4000;
  expect(shares.isUsedUp("ama"), "all of it is there still").toBe(true);
  nowMs += 1500;
  expect(shares.isUsedUp("ama")).toBe(false);
  shares.add("ama", 25);
  expect(shares.isUsedUp("ama")).toBe(true);
  nowMs += 100_000;
  expect(shares.isUsedUp("ama")).toBe(false);
});
