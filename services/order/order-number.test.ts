import fc from "fast-check";
import { expect, test } from "vitest";
import { orderNumber } from "./order-number.ts";

test("a number has eight letters that nobody takes for others", () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.infiniteStream(chance), (stream) => {
      expect(orderNumber(() => stream.next().value)).toMatch(
        /^W-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/,
      );
    }),
  );
});
