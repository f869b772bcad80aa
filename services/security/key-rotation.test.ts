import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { KeyAge, KeyState } from "./key-rotation.ts";
import { isPublished, planRotation } from "./key-rotation.ts";

const hourMs = 3_600_000;
const lifeMs = hourMs;
const key = (kid: string, state: KeyState, sinceMs: number): KeyAge => ({
  kid,
  state,
  createdAt: new Date(sinceMs),
  activatedAt: state === "next" ? null : new Date(sinceMs),
  retiredAt: state === "retired" ? new Date(sinceMs) : null,
  longestLifeMs: BigInt(lifeMs),
});
const plan = (keys: KeyAge[], nowMs: number, force = false) =>
  planRotation(keys, { rotationMs: 24 * hourMs, nowMs, force });

describe("the plan of a rotation", () => {
  test("makes both keys when there are none", () => {
    expect(plan([], 0)).toMatchObject({ makeActive: true, makeNext: true, retire: [] });
  });

  test("leaves keys alone that are young", () => {
    const keys = [key("a", "active", 0), key("b", "next", 0)];
    expect(plan(keys, 24 * hourMs - 1)).toEqual({
      retire: [],
      activate: undefined,
      makeActive: false,
      makeNext: false,
      forget: [],
    });
  });

  test("puts the next key in the place of one that is old", () => {
    const keys = [key("a", "active", 0), key("b", "next", 0)];
    expect(plan(keys, 24 * hourMs)).toMatchObject({ retire: ["a"], activate: "b", makeNext: true });
  });

  test("waits until verifiers can know the next key, unless forced", () => {
    const keys = [key("a", "active", 0), key("b", "next", 24 * hourMs)];
    expect(plan(keys, 24 * hourMs + 9999)).toMatchObject({ retire: [] });
    expect(plan(keys, 24 * hourMs + 9999, true)).toMatchObject({ retire: ["a"], activate: "b" });
    expect(plan(keys, 24 * hourMs + 10_000)).toMatchObject({ retire: ["a"] });
  });

  test("makes a next key where it is missing, before anything rotates", () => {
    expect(plan([key("a", "active", 0)], 48 * hourMs)).toMatchObject({ retire: [], makeNext: true });
  });

  test("forgets a key only when all that it signed has expired", () => {
    const retired = key("a", "retired", 0);
    expect(isPublished(retired, lifeMs)).toBe(true);
    expect(isPublished(retired, lifeMs + 5 * 60_000)).toBe(false);
  });
});

test("whatever happens when, there is one key that signs, one to come, and every key outlives its tokens", () => {
  const steps = fc.array(
    fc.record({ afterMs: fc.integer({ min: 0, max: 30 * hourMs }), force: fc.boolean() }),
    {
      maxLength: 40,
    },
  );
  fc.assert(
    fc.property(steps, (events) => {
      let keys: KeyAge[] = [];
      let nowMs = 0;
      let made = 0;
      for (const { afterMs, force } of events) {
        nowMs += afterMs;
        const before = keys;
        const { retire, activate, makeActive, makeNext, forget } = plan(keys, nowMs, force);
        keys = keys
          .map((it) =>
            retire.includes(it.kid) ? { ...it, state: "retired" as const, retiredAt: new Date(nowMs) } : it,
          )
          .map((it) =>
            it.kid === activate ? { ...it, state: "active" as const, activatedAt: new Date(nowMs) } : it,
          )
          .filter(({ kid }) => !forget.includes(kid));
        if (makeActive) keys.push(key(`k${made++}`, "active", nowMs));
        if (makeNext) keys.push(key(`k${made++}`, "next", nowMs));
        expect(keys.filter(({ state }) => state === "active")).toHaveLength(1);
        expect(keys.filter(({ state }) => state === "next")).toHaveLength(1);
        for (const gone of before.filter(({ kid }) => !keys.some((it) => it.kid === kid))) {
          expect(nowMs).toBeGreaterThanOrEqual(
            (gone.retiredAt?.getTime() ?? Number.POSITIVE_INFINITY) + lifeMs,
          );
        }
      }
    }),
  );
});
