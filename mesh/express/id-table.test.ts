import fc from "fast-check";
import { expect, test } from "vitest";
import { IdTable } from "./id-table.ts";

const id = fc.oneof(
  fc.nat(40),
  fc.nat(40).map((it) => it * 65_536),
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
);
const step = fc.tuple(
  fc.constantFrom("set", "delete", "get", "has"),
  id,
  fc.option(fc.nat(), { nil: undefined }),
);

test("behaves as a map does, whatever comes and goes", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const table = new IdTable<number | undefined>();
      const map = new Map<number, number | undefined>();
      for (const [kind, key, value] of steps) {
        if (kind === "set") {
          table.set(key, value);
          map.set(key, value);
        } else if (kind === "delete") expect(table.delete(key)).toBe(map.delete(key));
        else if (kind === "get") expect(table.get(key)).toBe(map.get(key));
        else expect(table.has(key)).toBe(map.has(key));
        expect(table.size).toBe(map.size);
      }
      expect(table.all().sort()).toEqual([...map.values()].sort());
    }),
  );
});

test("holds as many as are put into it, and none once it is cleared", () => {
  const table = new IdTable<number>();
  for (let i = 0; i < 5000; i++) table.set(i * 4096, i);
  expect([table.size, table.get(4096 * 1234)]).toEqual([5000, 1234]);
  table.clear();
  expect([table.size, table.all(), table.has(0)]).toEqual([0, [], false]);
});
