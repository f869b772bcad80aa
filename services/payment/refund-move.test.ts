import { expect, test } from "vitest";
import type { Known } from "./refund-move.ts";
import { refundMove } from "./refund-move.ts";

const askedAt = new Date(1_000_000);
const known: Known = { id: "r", state: "pending", providerReference: "", askedAt };
const move = (more: Partial<Known>, found: Parameters<typeof refundMove>[1], afterMs = 5000) =>
  refundMove({ ...known, ...more }, found, askedAt.getTime() + afterMs, 2000);

test("what the provider says is noted, and that it knows nothing of one that succeeded changes nothing", () => {
  for (const found of ["pending", "succeeded", "failed"] as const) expect(move({}, found)).toBe("note");
  expect(move({ state: "succeeded" }, "none")).toBe("note");
});

test("one that the provider has never heard of is asked for, when the request cannot be under way any more", () => {
  expect(move({ askedAt: null }, "none")).toBe("ask");
  expect(move({}, "none", 1999)).toBe("wait");
  expect(move({}, "none", 2000)).toBe("ask");
});

test("one that was taken under our own id and is lost is asked for again", () => {
  expect(move({ providerReference: "r" }, "none")).toBe("ask");
});

test("one that had a name of the provider's is never asked for twice", () => {
  expect(move({ providerReference: "re_1" }, "none")).toBe("away");
});
