import { expect, test } from "vitest";
import type { FuzzCount } from "../testing/fuzz-transcode.ts";
import { fuzzBinary, fuzzJson, fuzzRequest } from "../testing/fuzz-transcode.ts";

/** Both must happen, or the changes are too few or too many to find anything. */
const bothWays = ({ taken, refused }: FuzzCount, inputs: number) => {
  expect(taken + refused).toBeGreaterThanOrEqual(inputs);
  expect(Math.min(taken, refused)).toBeGreaterThan(inputs / 50);
};

test("broken JSON is refused as the client's fault, and nothing else happens", () => {
  bothWays(fuzzJson({ inputs: 7000 }), 7000);
});

test("broken answers are the callee's fault, and nothing else happens", () => {
  bothWays(fuzzBinary({ inputs: 7000 }), 7000);
});

test("broken paths and queries are refused as the client's fault, and nothing else happens", () => {
  bothWays(fuzzRequest({ inputs: 6000 }), 6000);
});
