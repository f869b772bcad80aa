import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLimitPolicy, defaultWindows } from "./policy.ts";
import { mostWithin, simulate } from "./testing/simulated-replicas.ts";

const shared = [createLimitPolicy("", defaultWindows)];
const perSecond = (requests: number) => [
  createLimitPolicy("some.Method", [{ name: "second", requests, seconds: 1 }]),
];

describe("whatever becomes of messages", () => {
  const step = fc.record({
    passMs: fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 2, arbitrary: fc.nat(60) },
      fc.nat(1500),
    ),
    replica: fc.nat(3),
    burst: fc.integer({ min: 1, max: 12 }),
  });
  const fate = fc.oneof(
    { weight: 8, arbitrary: fc.nat(5) },
    { weight: 2, arbitrary: fc.nat(200) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );

  test("no window ever admits more than its limit at all replicas together", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 4 }),
        fc.integer({ min: 1, max: 80 }),
        fc.integer({ min: 1, max: 120 }),
        fc.array(step, { minLength: 5, maxLength: 60 }),
        fc.array(fate, { minLength: 1, maxLength: 20 }),
        async (replicas, second, threeSeconds, steps, fates) => {
          let posted = 0;
          const world = simulate({
            replicas,
            delayMs: () => fates[posted++ % fates.length],
            doubled: () => posted % 7 === 3,
          });
          const policies = [
            createLimitPolicy("some.Method", [
              { name: "second", requests: second, seconds: 1 },
              { name: "three", requests: threeSeconds, seconds: 3 },
            ]),
          ];
          for (const { passMs, replica, burst } of steps) {
            await world.pass(passMs);
            for (let i = 0; i < burst; i++) world.take(replica % replicas, "ada", policies);
          }
          await world.pass(5000);
          expect(mostWithin(world.admissions, 1000)).toBeLessThanOrEqual(second);
          expect(mostWithin(world.admissions, 3000)).toBeLessThanOrEqual(threeSeconds);
          const taken = steps.reduce((sum, it) => sum + it.burst, 0);
          expect(world.admissions.length + world.refusals.length).toBe(taken);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("with messages that arrive soon", () => {
  const soon = (replicas: number) => simulate({ replicas, delayMs: () => 1 });

  test("a burst is admitted to the limit exactly, however it is spread over the replicas", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(60), { minLength: 2, maxLength: 4 }),
        fc.integer({ min: 1, max: 70 }),
        async (bursts, limit) => {
          const world = soon(bursts.length);
          for (const [replica, burst] of bursts.entries()) {
            for (let i = 0; i < burst; i++) world.take(replica, "ada", perSecond(limit));
          }
          await world.pass(200);
          const wanted = bursts.reduce((a, b) => a + b, 0);
          expect(world.admissions).toHaveLength(Math.min(limit, wanted));
        },
      ),
      { numRuns: 100 },
    );
  });

  test.each([
    [1, 0.96, 0],
    [2, 0.95, 0],
    [3, 0.9, 0.05],
  ])(
    "at %i replicas a steady client at %d of its limit is refused %d of its requests at most",
    async (replicas, part, refused) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.nat(replicas - 1), { minLength: 1, maxLength: 12 }),
          fc.constantFrom(1, 10),
          async (path, factor) => {
            const world = soon(replicas);
            const perSecond = 10 * factor * part;
            for (let i = 0; i < 20 * perSecond; i++) {
              world.take(path[i % path.length] as number, "ada", shared, factor);
              await world.pass(Math.ceil(1e6 / perSecond) / 1000);
            }
            expect(world.refusals.length).toBeLessThanOrEqual(20 * perSecond * refused);
          },
        ),
        { numRuns: 25 },
      );
    },
  );

  test.each([
    ["that stays at one of two replicas", 2, () => 0],
    ["that goes to two replicas in turn", 2, (i: number) => i % 2],
    ["that goes to three replicas in turn", 3, (i: number) => i % 3],
    ["that stays at one of four replicas", 4, () => 2],
    ["that changes the replica every two seconds", 2, (i: number) => Math.floor(i / 160) % 2],
  ])("a flood %s gets what the limit says, less 5 % at most", async (_, replicas, replicaOf) => {
    for (const [limit, everyMs] of [
      [10, 12.5],
      [100, 4],
    ] as const) {
      const world = soon(replicas);
      const seconds = 20;
      for (let i = 0; i < (seconds * 1000) / everyMs; i++) {
        world.take(replicaOf(i), "ada", perSecond(limit));
        await world.pass(everyMs);
      }
      await world.pass(100);
      const { length } = world.admissions;
      expect(length).toBeGreaterThanOrEqual(0.95 * limit * seconds);
      expect(length).toBeLessThanOrEqual(limit * seconds);
    }
  });

  test("a flood that is refused costs few messages", async () => {
    const world = soon(2);
    for (let i = 0; i < 20_000; i++) {
      world.take(i % 2, "ada", perSecond(10));
      await world.pass(0.5);
    }
    // A question and an answer per use that comes back, and a quarter as many again in vain.
    expect(world.messages()).toBeLessThan(10 * 10 * 2 * 1.25 * 2);
  });

  test("a client within its share causes no message at all", async () => {
    const world = soon(2);
    for (let i = 0; i < 40; i++) {
      world.take(0, "ada", shared);
      world.take(1, "ada", shared);
      await world.pass(250);
    }
    expect(world.refusals).toEqual([]);
    expect(world.messages()).toBe(0);
  });

  test("two policies both admit or neither counts", async () => {
    const world = soon(2);
    const both = [...shared, ...perSecond(3)];
    for (let i = 0; i < 8; i++) world.take(0, "ada", both);
    await world.pass(100);
    expect(world.admissions).toHaveLength(3);
    for (let i = 0; i < 20; i++) world.take(0, "ada", shared);
    await world.pass(100);
    expect(world.admissions).toHaveLength(10);
  });
});

test("a replica that does not answer delays a request by 50 ms and no longer", async () => {
  const world = simulate({ replicas: 2, delayMs: () => undefined });
  for (let i = 0; i < 6; i++) world.take(0, "ada", perSecond(10));
  await world.pass(49);
  expect(world.admissions.length + world.refusals.length).toBe(5);
  await world.pass(1);
  expect(world.refusals).toHaveLength(1);
  world.take(0, "ada", perSecond(10));
  expect(world.refusals).toHaveLength(2);
});
