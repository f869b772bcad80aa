import fc from "fast-check";
import { expect, test } from "vitest";
import { createHeld } from "./held.ts";

test("when all together hold too much, the greediest is ended", () => {
  const ended: string[] = [];
  const held = createHeld(100);
  const small = held.open(() => ended.push("small"));
  const large = held.open(() => ended.push("large"));
  large.take(70);
  small.take(30);
  expect(ended).toEqual([]);
  small.take(1);
  expect(ended).toEqual(["large"]);
});

test("what was given back or ended no longer counts", () => {
  const ended: string[] = [];
  const held = createHeld(100);
  const first = held.open(() => ended.push("first"));
  first.take(90);
  first.give(80);
  const second = held.open(() => ended.push("second"));
  second.take(90);
  second.close();
  second.take(1000);
  held.open(() => ended.push("third")).take(90);
  expect(ended).toEqual([]);
});

test("those that are not ended never hold more than the limit", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(4), fc.integer({ min: -50, max: 50 }))), (steps) => {
      const held = createHeld(100);
      const bytes = [0, 0, 0, 0, 0];
      const holds = bytes.map((_, i) =>
        held.open(() => {
          bytes[i] = Number.NaN;
        }),
      );
      for (const [i, change] of steps) {
        const by = Math.max(change, -bytes[i]!);
        bytes[i]! += by;
        if (by >= 0) holds[i]!.take(by);
        else holds[i]!.give(-by);
        const total = bytes.filter((it) => !Number.isNaN(it)).reduce((a, b) => a + b, 0);
        expect(total).toBeLessThanOrEqual(100);
      }
    }),
  );
});
