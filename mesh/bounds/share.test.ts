import fc from "fast-check";
import { expect, test } from "vitest";
import { createShare } from "./share.ts";

test("nobody gets more than its share, and all together no more than there is", () => {
  const anyHolder = fc.constantFrom("a", "b", "c");
  const anyStep = fc.record({ holder: anyHolder, back: fc.boolean() });
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
      const share = createShare({ total: 5, each: 3 });
      const held: { holder: string; giveBack: () => void }[] = [];
      for (const { holder, back } of steps) {
        const index = held.findIndex((it) => it.holder === holder);
        if (back && index >= 0) {
          const [given] = held.splice(index, 1);
          given!.giveBack();
          // Giving back twice is no second place.
          given!.giveBack();
          continue;
        }
        const own = held.filter((it) => it.holder === holder).length;
        const giveBack = share.take(holder);
        expect(giveBack !== undefined).toBe(held.length < 5 && own < 3);
        if (giveBack) held.push({ holder, giveBack });
      }
    }),
  );
});
