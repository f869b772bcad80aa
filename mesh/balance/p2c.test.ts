import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type PickRules, pick } from "./p2c.ts";

interface Endpoint {
  name: number;
  cost: number;
  admitted: boolean;
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const rules = (seed = 1): PickRules<Endpoint> => ({
  cost: ({ cost }) => cost,
  admits: ({ admitted }) => admitted,
  random: seeded(seed),
});
const fleet = (
  n: number,
  admitted: (i: number) => boolean = () => true,
  cost = (_: number) => 1,
): Endpoint[] => Array.from({ length: n }, (_, i) => ({ name: i, cost: cost(i), admitted: admitted(i) }));
const shares = (endpoints: Endpoint[], picks = 10_000, tried?: Endpoint[]) => {
  const counts = endpoints.map(() => 0);
  const by = rules();
  for (let i = 0; i < picks; i++) {
    const { name } = pick(endpoints, by, tried)!;
    counts[name] = counts[name]! + 1;
  }
  return counts.map((count) => count / picks);
};

test("of none there is nothing to pick, of one that one", () => {
  expect(pick([], rules())).toBeUndefined();
  const [only] = fleet(1, () => false);
  expect(pick([only!], rules(), [only!])).toBe(only);
});

test("equal endpoints get equal shares", () => {
  for (const share of shares(fleet(10))) expect(share).toBeCloseTo(0.1, 1);
});

test("the dearest gets nothing, the cheapest the most, without everybody choosing it", () => {
  const got = shares(fleet(10, undefined, (i) => i + 1));
  expect(got[9]).toBe(0);
  expect(got[0]).toBe(Math.max(...got));
  expect(got[0]).toBeGreaterThan(0.15);
  expect(got[0]).toBeLessThan(0.25);
});

describe("ejected endpoints", () => {
  test("get nothing while half are admitted, and the others equal shares", () => {
    const got = shares(fleet(10, (i) => i % 2 === 0));
    for (let i = 0; i < 10; i++) expect(got[i]).toBeCloseTo(i % 2 === 0 ? 0.2 : 0, 1);
    expect(got.filter((_, i) => i % 2 === 1)).toEqual([0, 0, 0, 0, 0]);
  });

  test("are used when fewer than half are admitted, but less than those", () => {
    const got = shares(fleet(10, (i) => i < 3));
    for (let i = 3; i < 10; i++) expect(got[i]).toBeGreaterThan(0.03);
    for (let i = 0; i < 3; i++) expect(got[i]).toBeGreaterThan(2 * got[9]!);
  });

  test("are used evenly when none is admitted", () => {
    for (const share of shares(fleet(10, () => false))) expect(share).toBeCloseTo(0.1, 1);
  });

  test("of two leave the other all calls", () => {
    expect(shares(fleet(2, (i) => i === 1))).toEqual([0, 1]);
  });
});

describe("endpoints that the call has tried", () => {
  const endpoints = fleet(4);
  test("are left out while there are others", () => {
    const got = shares(endpoints, 1000, [endpoints[0]!, endpoints[2]!]);
    expect([got[0], got[2]]).toEqual([0, 0]);
    expect(got[1]).toBeCloseTo(0.5, 1);
  });
  test("are picked again when all were tried", () => {
    for (const share of shares(endpoints, 4000, endpoints)) expect(share).toBeCloseTo(0.25, 1);
  });
  test("are picked before an ejected one while half are admitted", () => {
    const half = fleet(4, (i) => i < 2);
    const got = shares(half, 1000, [half[0]!, half[1]!]);
    expect(got[2]! + got[3]!).toBe(0);
  });
  test("are passed over for an untried ejected one when fewer are admitted", () => {
    const few = fleet(4, (i) => i === 0);
    expect(shares(few, 1000, [few[0]!])[0]).toBe(0);
  });
});

test("for any fleet the pick is one of the best kind there is", () => {
  const endpoint = fc.record({ admitted: fc.boolean(), tried: fc.boolean(), cost: fc.nat(5) });
  fc.assert(
    fc.property(fc.array(endpoint, { minLength: 1, maxLength: 12 }), fc.integer(), (kinds, seed) => {
      const endpoints = kinds.map(({ admitted, cost }, name) => ({ name, admitted, cost }));
      const tried = endpoints.filter(({ name }) => kinds[name]?.tried);
      const picked = pick(endpoints, rules(seed), tried)!;
      expect(endpoints).toContain(picked);
      if (endpoints.length === 1) return;
      const admitted = endpoints.filter((one) => one.admitted);
      const fresh = endpoints.filter((one) => !tried.includes(one));
      if (admitted.length >= endpoints.length / 2) {
        expect(picked.admitted).toBe(true);
        if (admitted.some((one) => fresh.includes(one))) expect(tried).not.toContain(picked);
      } else if (fresh.length > 0) expect(tried).not.toContain(picked);
    }),
  );
});

test("a healthy fleet of a thousand is not looked through", () => {
  const endpoints = fleet(1000);
  let asked = 0;
  const by = { ...rules(), admits: () => ++asked > 0 };
  for (let i = 0; i < 100; i++) pick(endpoints, by);
  expect(asked).toBe(200);
});
