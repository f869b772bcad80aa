import fc from "fast-check";
import { expect, test } from "vitest";
import { createRings } from "./rings.ts";

/** Takes while there is room, as a limiter does. */
function taker(limit: number, lengthMs: number) {
  const rings = createRings(1);
  const at = rings.open();
  return (nowMs: number) => {
    if (rings.used(at, 0, lengthMs, nowMs) >= limit) return false;
    rings.add(at, 0, lengthMs, 1, nowMs, limit);
    return true;
  };
}

const steps = fc.array(
  fc.oneof({ weight: 4, arbitrary: fc.nat(40) }, { weight: 1, arbitrary: fc.nat(3000) }),
  {
    minLength: 1,
    maxLength: 400,
  },
);

test("a window never admits more than its limit, wherever it begins", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 4 }),
      steps,
      (limit, seconds, waits) => {
        const lengthMs = seconds * 1000;
        const take = taker(limit, lengthMs);
        const log: number[] = [];
        let nowMs = 5;
        for (const wait of waits) {
          nowMs += wait;
          for (let i = 0; i < 3; i++) if (take(nowMs)) log.push(nowMs);
          expect(log.filter((it) => nowMs - it < lengthMs).length).toBeLessThanOrEqual(limit);
        }
      },
    ),
  );
});

test("it refuses only within a 32nd of its limit, and a small limit only when it is used up", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), steps, (limit, waits) => {
      const take = taker(limit, 1000);
      const log: number[] = [];
      let nowMs = 5;
      for (const wait of waits) {
        nowMs += wait;
        for (let i = 0; i < 3; i++) {
          if (take(nowMs)) log.push(nowMs);
          // A time is kept to a 16384th of the window.
          else
            expect(log.filter((it) => nowMs - it < 1001).length).toBeGreaterThan(
              limit - 1 - Math.floor(limit / 32),
            );
        }
      }
    }),
  );
});

test("it tells when there is room again", () => {
  const rings = createRings(1);
  const at = rings.open();
  for (const ms of [0, 100, 200]) rings.add(at, 0, 1000, 1, ms, 3);
  expect(rings.waitMs(at, 0, 1000, 300, 1)).toBeCloseTo(700, 0);
  expect(rings.waitMs(at, 0, 1000, 300, 3)).toBeCloseTo(900, 0);
  expect(rings.waitMs(at, 0, 1000, 300, 4)).toBe(Number.POSITIVE_INFINITY);
});

test("a limit that is raised in between loses no use", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 2_000_000 }), fc.integer({ min: 1, max: 50_000 })), {
        maxLength: 80,
      }),
      (adds) => {
        const rings = createRings(1);
        const at = rings.open();
        let total = 0;
        for (const [i, [share, uses]] of adds.entries()) {
          if (rings.used(at, 0, 60_000, i) + uses > 2_000_000) break;
          rings.add(at, 0, 60_000, uses, i, share);
          total += uses;
          expect(rings.used(at, 0, 60_000, i)).toBe(total);
        }
        expect(rings.used(at, 0, 60_000, 59_990)).toBe(total);
        expect(rings.used(at, 0, 60_000, 60_100)).toBe(0);
      },
    ),
  );
});

test("years of uptime and a long sleep leave nothing behind", () => {
  const take = taker(2, 1000);
  for (const nowMs of [0, 4000, 3.2e11, 3.2e11 + 65_536, 6.4e11]) {
    expect([take(nowMs), take(nowMs), take(nowMs)]).toEqual([true, true, false]);
  }
});

test("room that was given back is given again empty", () => {
  const rings = createRings(2);
  const at = rings.open();
  rings.add(at, 1, 1000, 5, 0, 10);
  rings.close(at);
  expect(rings.open()).toBe(at);
  expect(rings.used(at, 1, 1000, 0)).toBe(0);
});
