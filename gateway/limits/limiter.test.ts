import { describe, expect, test } from "vitest";
import type { Decision } from "./decision.ts";
import { createLimiter } from "./limiter.ts";
import { createLimitPolicy, defaultWindows } from "./policy.ts";

const shared = [createLimitPolicy("", defaultWindows)];
const login = [...shared, createLimitPolicy("auth/Login", [{ name: "Login", requests: 3, seconds: 60 }])];

function world(maxIdentities = 1000) {
  const clock = { nowMs: 0 };
  const limiter = createLimiter({ now: () => clock.nowMs, maxIdentities });
  const take = (who = "ada", policies = shared, factor = 1) =>
    limiter.take(who, policies, factor) as Decision;
  const many = (count: number, who?: string, policies = shared, factor = 1) =>
    Array.from({ length: count }, () => take(who, policies, factor)).filter(({ allowed }) => allowed).length;
  return { clock, limiter, take, many };
}

test("one gateway alone decides at once: ten a second, and no more at the turn of a second", () => {
  const { clock, many } = world();
  clock.nowMs = 990;
  expect(many(50)).toBe(10);
  clock.nowMs = 1010;
  expect(many(50)).toBe(0);
  clock.nowMs = 1990;
  expect(many(50)).toBe(10);
});

test("identities do not use up one another's", () => {
  const { many } = world();
  expect(many(20, "ada")).toBe(10);
  expect(many(20, "grace")).toBe(10);
});

test("a role's multiple counts for all windows", () => {
  const { many } = world();
  expect(many(500, "ada", shared, 10)).toBe(100);
});

test("a method's own limit holds beside the common one, and what it refuses counts for neither", () => {
  const { clock, many } = world();
  expect(many(9, "ada", login)).toBe(3);
  expect(many(20, "ada")).toBe(7);
  clock.nowMs = 2000;
  expect(many(9, "ada", login)).toBe(0);
  expect(many(20, "ada")).toBe(10);
});

test("no policy, no limit", () => {
  const { take } = world();
  expect(take("ada", [])).toMatchObject({ allowed: true, policyHeader: "", limitHeader: "" });
});

describe("headers", () => {
  test("tell all windows, and what is left of the tightest", () => {
    const { take } = world();
    const { policyHeader, limitHeader, retryAfterSeconds } = take();
    expect(policyHeader).toBe('"second";q=10;w=1, "ten-seconds";q=100;w=10, "minute";q=1000;w=60');
    expect(limitHeader).toBe('"second";r=9;t=1');
    expect(retryAfterSeconds).toBe(0);
    expect(take("ada", shared, 10).policyHeader).toContain('"second";q=100;w=1, ');
    expect(take("grace", login).limitHeader).toBe('"Login";r=2;t=60');
  });

  test("tell a refused client when to come back, which is then of use", () => {
    const { clock, take, many } = world();
    expect(take().limitHeader).toBe('"second";r=9;t=1');
    many(2, "grace", login);
    clock.nowMs = 20_000;
    many(1, "grace", login);
    clock.nowMs = 25_300;
    const refused = take("grace", login);
    expect(refused).toMatchObject({ allowed: false, retryAfterSeconds: 35, limitHeader: '"Login";r=0;t=35' });
    clock.nowMs += refused.retryAfterSeconds * 1000;
    expect(take("grace", login).allowed).toBe(true);
  });

  test("never invite back in no time", () => {
    const { clock, many, take } = world();
    many(10);
    clock.nowMs = 999;
    expect(take().retryAfterSeconds).toBe(1);
  });
});

describe("memory", () => {
  test("holds so many identities and no more", () => {
    const { limiter, take } = world(100);
    for (let i = 0; i < 5000; i++) take(`address-${i}`);
    expect(limiter.figures().identities).toBe(100);
  });

  test("whoever is at a limit is not forgotten for the sake of strangers", () => {
    const { clock, take, many } = world(100);
    many(5, "attacker", login);
    for (let i = 0; i < 5000; i++) take(`address-${i}`);
    clock.nowMs = 30_000;
    for (let i = 0; i < 5000; i++) take(`other-${i}`);
    expect(many(5, "attacker", login)).toBe(0);
  });

  test("is still bounded when all are at their limits", () => {
    const { limiter, many } = world(100);
    for (let i = 0; i < 500; i++) many(11, `address-${i}`);
    const { identities, guarded } = limiter.figures();
    expect(identities).toBe(100);
    expect(guarded).toBeLessThanOrEqual(75);
  });

  test("of those who stay away is used for others before it grows", () => {
    const { clock, limiter, take } = world(1000);
    for (let i = 0; i < 2000; i++) {
      clock.nowMs += 1000;
      take(`address-${i}`);
    }
    expect(limiter.figures().identities).toBeLessThan(80);
  });
});

test("a clock that is set back gives nobody more, and locks nobody out", () => {
  const { clock, many } = world();
  clock.nowMs = 100_000;
  expect(many(20)).toBe(10);
  clock.nowMs = 0;
  expect(many(20)).toBe(0);
  clock.nowMs = 101_000;
  expect(many(20)).toBe(10);
});

test("figures tell what was decided", () => {
  const { limiter, many } = world();
  many(15);
  expect(limiter.figures()).toEqual({
    identities: 1,
    guarded: 1,
    admitted: 10,
    refused: 5,
    waited: 0,
    asked: 0,
  });
});
