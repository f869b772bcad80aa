import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { subset } from "./subset.ts";

const instances = (n: number, from = 0) =>
  Array.from({ length: n }, (_, i) => ({ id: `instance-${from + i}` }));
const missing = (of: readonly { id: string }[], from: readonly { id: string }[]) =>
  of.filter(({ id }) => !from.some((other) => other.id === id)).map(({ id }) => id);

test("a small service is used whole: the very same array", () => {
  const all = instances(32);
  expect(subset(all, "caller")).toBe(all);
});

test("of a large service 32 are used, the same each time, in the order of the list", () => {
  const all = instances(100);
  const chosen = subset(all, "caller");
  expect(chosen).toHaveLength(32);
  expect(subset(all, "caller")).toEqual(chosen);
  expect(chosen).toEqual(all.filter((instance) => chosen.includes(instance)));
});

describe("when instances come and go", () => {
  const ids = fc.uniqueArray(
    fc.uuid().map((id) => ({ id })),
    { selector: ({ id }) => id, minLength: 9, maxLength: 60 },
  );

  test("the order in which they are listed changes nothing", () => {
    fc.assert(
      fc.property(ids, fc.string(), (all, caller) => {
        const same = subset([...all].reverse(), caller, 8);
        expect(missing(subset(all, caller, 8), same)).toEqual([]);
      }),
    );
  });

  test("one that goes is replaced by one other, and matters to nobody else", () => {
    fc.assert(
      fc.property(ids, fc.string(), fc.nat(), (all, caller, which) => {
        const gone = all[which % all.length]!;
        const before = subset(all, caller, 8);
        const after = subset(
          all.filter((instance) => instance !== gone),
          caller,
          8,
        );
        expect(after).toHaveLength(8);
        expect(missing(before, after)).toEqual(before.includes(gone) ? [gone.id] : []);
      }),
    );
  });

  test("one that comes replaces at most one", () => {
    fc.assert(
      fc.property(ids, fc.string(), (all, caller) => {
        const before = subset(all.slice(1), caller, 8);
        const after = subset(all, caller, 8);
        expect(missing(before, after).length).toBeLessThanOrEqual(1);
        for (const id of missing(after, before)) expect(id).toBe(all[0]!.id);
      }),
    );
  });
});

test("every instance gets its share of the callers", () => {
  const all = instances(100);
  const used = new Map<string, number>();
  for (let caller = 0; caller < 500; caller++) {
    for (const { id } of subset(all, `caller-${caller}`)) used.set(id, (used.get(id) ?? 0) + 1);
  }
  // 160 are expected of each; binomial, so 105 to 215 is five standard deviations.
  expect(used.size).toBe(100);
  for (const count of used.values()) {
    expect(count).toBeGreaterThan(105);
    expect(count).toBeLessThan(215);
  }
});

test("callers whose names differ in the last character use different instances", () => {
  const all = instances(200);
  const common = subset(all, "caller-1", 20).filter((one) => subset(all, "caller-2", 20).includes(one));
  expect(common.length).toBeLessThan(10);
});
