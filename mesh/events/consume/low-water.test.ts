import fc from "fast-check";
import { expect, test } from "vitest";
import { createLowWater } from "./low-water.ts";

test("all before it is done, whatever the order in which things are done", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(10_000), { minLength: 1, maxLength: 60 }),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      (numbers, chance) => {
        const sequences = numbers.toSorted((a, b) => a - b);
        const water = createLowWater();
        for (const sequence of sequences) water.begin({ sequence, id: String(sequence) });
        const open = [...sequences];
        while (open.length > 0) {
          const [sequence = 0] = open.splice(Math.floor((chance.next().value ?? 0) * open.length), 1);
          water.done(sequence);
          const done = open.length === 0 ? sequences : sequences.filter((it) => it < (open[0] ?? 0));
          expect(water.place?.sequence).toBe(done.at(-1));
        }
        expect(water.held).toBe(0);
      },
    ),
  );
});

test("what is held counts also those that wait for one before them", () => {
  const water = createLowWater();
  for (const sequence of [3, 5, 9]) water.begin({ sequence, id: "" });
  water.done(5);
  water.done(9);
  expect([water.held, water.place]).toEqual([3, undefined]);
  water.done(3);
  expect([water.held, water.place?.sequence]).toEqual([0, 9]);
});
