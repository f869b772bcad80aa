import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AdaptiveLimit } from "./adaptive-limit.ts";
import { createWaitingRoom } from "./waiting-room.ts";

/** A limit that stays where it is put. */
function fixedLimit(limit: number): AdaptiveLimit {
  let inFlight = 0;
  return {
    tryEnter: () => inFlight < limit && ++inFlight > 0,
    leave: () => void inFlight--,
    limit,
    get inFlight() {
      return inFlight;
    },
  };
}

const policy = { maxWaiting: 3, burstMs: 1000, standingMs: 50 };
const now = () => Date.now();
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp(limit = 1) {
  const room = createWaitingRoom({ limit: fixedLimit(limit), now, policy });
  const leave = () => room.leave(0, 1, "ok");
  return { room, leave };
}

describe("a call", () => {
  test("goes in without a promise while there is a place", () => {
    const { room } = setUp(2);
    expect([room.enter(60_000), room.enter(60_000), room.inFlight]).toEqual([true, true, 2]);
  });

  test("waits when there is none, and goes in as soon as one leaves, in the order of coming", async () => {
    const { room, leave } = setUp();
    room.enter(60_000);
    const order: string[] = [];
    const first = Promise.resolve(room.enter(60_000)).then(() => order.push("first"));
    const second = Promise.resolve(room.enter(60_000)).then(() => order.push("second"));
    leave();
    await first;
    expect([order, room.inFlight, room.waiting]).toEqual([["first"], 1, 1]);
    leave();
    await second;
    expect(order).toEqual(["first", "second"]);
  });

  test("does not overtake those that wait", () => {
    const { room, leave } = setUp();
    room.enter(60_000);
    void room.enter(60_000);
    leave();
    expect(room.enter(60_000)).toBeInstanceOf(Promise);
  });

  test("is turned away at once when the room is full", () => {
    const { room } = setUp();
    room.enter(60_000);
    for (let i = 0; i < policy.maxWaiting; i++) void room.enter(60_000);
    expect(room.enter(60_000)).toBe(false);
  });
});

describe("patience", () => {
  test("lasts for a burst", async () => {
    const { room, leave } = setUp();
    room.enter(60_000);
    const waits = room.enter(60_000);
    await vi.advanceTimersByTimeAsync(policy.burstMs - 10);
    leave();
    expect(await waits).toBe(true);
  });

  test("ends when the burst lasts too long", async () => {
    const { room } = setUp();
    room.enter(60_000);
    const waits = room.enter(60_000);
    await vi.advanceTimersByTimeAsync(policy.burstMs + policy.standingMs);
    expect(await waits).toBe(false);
    expect(room.waiting).toBe(0);
  });

  test("is short once the room has not been empty for long", async () => {
    const { room, leave } = setUp();
    room.enter(60_000);
    // Two wait at all times, each for less than the patience of a burst.
    void room.enter(60_000);
    void room.enter(60_000);
    for (let passed = 0; passed < policy.burstMs; passed += 200) {
      await vi.advanceTimersByTimeAsync(200);
      void room.enter(60_000);
      leave();
    }
    const late = room.enter(60_000);
    await vi.advanceTimersByTimeAsync(policy.standingMs * 2);
    expect(await late).toBe(false);
  });
});

test("nobody waits away more than a quarter of its time", async () => {
  const { room } = setUp();
  room.enter(60_000);
  const patient = room.enter(60_000);
  const hurried = room.enter(400);
  await vi.advanceTimersByTimeAsync(100 + policy.standingMs);
  expect([await hurried, room.waiting]).toEqual([false, 1]);
  void patient;
});

test("whatever happens, no more are in than the limit lets in, and nobody is forgotten", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.constantFrom("enter", "leave", "time"), { maxLength: 80 }),
      async (limit, steps) => {
        const room = createWaitingRoom({ limit: fixedLimit(limit), now, policy });
        let inside = 0;
        let turnedAway = 0;
        let asked = 0;
        const decided = (mayGoOn: boolean) => {
          if (mayGoOn) inside++;
          else turnedAway++;
        };
        for (const step of steps) {
          if (step === "enter") {
            asked++;
            void Promise.resolve(room.enter(60_000)).then(decided);
          } else if (step === "leave" && inside > 0) {
            inside--;
            asked--;
            room.leave(0, 1, "ok");
          } else if (step === "time") await vi.advanceTimersByTimeAsync(40);
          await Promise.resolve();
          await Promise.resolve();
          expect(room.inFlight).toBeLessThanOrEqual(limit);
        }
        await vi.advanceTimersByTimeAsync(5000);
        expect([inside + turnedAway, room.waiting]).toEqual([asked, 0]);
      },
    ),
    { numRuns: 200 },
  );
});
