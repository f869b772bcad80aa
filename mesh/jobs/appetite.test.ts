import fc from "fast-check";
import { expect, test } from "vitest";
import { createAppetite } from "./appetite.ts";

test("a worker asks for the places that are free, and again only where there may be more", () => {
  const appetite = createAppetite(
    new Map([
      ["a", 2],
      ["b", 1],
    ]),
  );
  const rooms = appetite.rooms();
  expect(rooms).toEqual([
    { type: "a", places: 2 },
    { type: "b", places: 1 },
  ]);
  appetite.offered(rooms);
  for (const type of ["a", "a"]) appetite.taken(type);
  appetite.got(rooms, ["a", "a"], false);
  expect(appetite.rooms()).toEqual([{ type: "b", places: 1 }]);
  expect(appetite.isEager()).toBe(false);
  appetite.freed("a");
  expect(appetite.isEager()).toBe(true);
});

test("what is heard of while a claim is under way is asked for after it", () => {
  const appetite = createAppetite(new Map([["a", 2]]));
  const rooms = appetite.rooms();
  appetite.heard(["a"]);
  appetite.offered(rooms);
  expect(appetite.isEager()).toBe(false);
  appetite.heard(["a", "unknown"]);
  appetite.got(rooms, [], false);
  expect(appetite.isEager()).toBe(true);
});

test("an answer that was full is asked for again, one without any job is not", () => {
  const appetite = createAppetite(new Map([["a", 5]]));
  const rooms = appetite.rooms();
  appetite.got(rooms, ["a"], true);
  expect(appetite.isEager()).toBe(true);
  appetite.got(rooms, [], true);
  expect(appetite.isEager()).toBe(false);
});

test("whatever comes and ends when, no type has more jobs than places, and none that may wait is forgotten", () => {
  const types = ["a", "b", "c"];
  const step = fc.oneof(
    fc.record({
      kind: fc.constant("claim" as const),
      give: fc.array(fc.nat(4), { minLength: 3, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant("end" as const), type: fc.constantFrom(...types) }),
    fc.record({ kind: fc.constant("heard" as const), type: fc.constantFrom(...types) }),
  );
  const places = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(places, fc.array(step, { maxLength: 40 }), (most, steps) => {
      const mostOf = new Map(types.map((type, at) => [type, most[at] ?? 1]));
      const appetite = createAppetite(mostOf);
      const busy = new Map(types.map((type) => [type, 0]));
      const owed = new Set<string>();
      for (const it of steps) {
        if (it.kind === "heard") {
          appetite.heard([it.type]);
          owed.add(it.type);
        } else if (it.kind === "end") {
          if (busy.get(it.type) === 0) continue;
          busy.set(it.type, (busy.get(it.type) ?? 0) - 1);
          appetite.freed(it.type);
        } else {
          const rooms = appetite.rooms();
          appetite.offered(rooms);
          const got = rooms.flatMap(({ type, places: free }) => {
            const count = Math.min(free, it.give[types.indexOf(type)] ?? 0);
            if (count < free) owed.delete(type);
            else owed.add(type);
            return Array.from({ length: count }, () => type);
          });
          for (const type of got) {
            appetite.taken(type);
            busy.set(type, (busy.get(type) ?? 0) + 1);
          }
          appetite.got(rooms, got, false);
        }
        for (const type of types) expect(busy.get(type)).toBeLessThanOrEqual(mostOf.get(type) ?? 0);
        const waits = [...owed].some((type) => (busy.get(type) ?? 0) < (mostOf.get(type) ?? 0));
        expect(appetite.isEager()).toBe(waits);
      }
    }),
  );
});
