import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { BroadcastWorld, Replica } from "./broadcast-world.ts";
import { admin, createBroadcastWorld, eventually } from "./broadcast-world.ts";

let world: BroadcastWorld;
beforeAll(async () => {
  world = await createBroadcastWorld({ idle: true, env: { BROADCAST_MOST_RECIPIENTS: "10000" } });
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => world.mend());

test("ten thousand get it once each, though an instance dies while gathering and another while sending", {
  timeout: 120_000,
}, async () => {
  const people = world.crowd(10_000);
  const counts = { selectUsers: 0, sendNotification: 0 };
  const killed: string[] = [];
  const fatal: Partial<Record<string, number>> = { selectUsers: 7, sendNotification: 1500 };
  // Whoever happens to make the call is killed by it.
  const asks = (method: string, replica: Replica) => {
    if (++counts[method as keyof typeof counts] !== fatal[method]) return;
    killed.push(method);
    replica.kill();
  };
  for (let at = 0; at < 4; at++) await world.startReplica(asks);
  const id = await world.send(admin, { perSecond: 1000 });
  await world.becomes(id, "COMPLETED", 1000);

  expect(killed).toEqual(["selectUsers", "sendNotification"]);
  expect(world.post.recipients()).toEqual(people);
  expect(await world.stats(id)).toEqual([10_000, 0, 10_000, 0, 0]);
  expect(await world.told(id)).toEqual(["started 10000", "completed 10000 0 0"]);
  // Repeats are those of chunks that were on their way when an instance died or its time was up.
  expect(world.post.calls).toBeLessThan(15_000);
  expect(world.post.mostAtOnce).toBeLessThanOrEqual(4 * 16);
  for (const { limit, found } of world.people.asked) {
    expect(limit).toBe(500);
    expect(found).toBeLessThanOrEqual(500);
  }
  // Each page once, but for one that was asked for when an instance died.
  expect(world.people.asked.length).toBeLessThanOrEqual(25);
  expect(new Set(world.people.asked.map(({ afterId }) => afterId)).size).toBe(21);
});

test("one who is beyond the bound has the broadcast cancelled, and nobody gets it", async () => {
  world.crowd(10_001);
  const id = await world.send(admin, { perSecond: 1000 });
  await world.becomes(id, "CANCELLED");
  expect((await world.get(id)).reason).toBe("too_many_recipients");
  expect(world.post.calls).toBe(0);
  expect(await world.told(id)).toEqual(["cancelled 0 0 10001"]);
});

test("gathering is paused and cancelled between two pages, and goes on where it was", async () => {
  const people = world.crowd(1200);
  const pages: PromiseWithResolvers<void>[] = [];
  world.people.before = () => {
    const page = Promise.withResolvers<void>();
    pages.push(page);
    return page.promise;
  };
  const id = await world.send(admin, { perSecond: 1000 });
  await eventually(() => pages.length).toBe(1);
  pages[0]!.resolve();
  await eventually(() => pages.length).toBe(2);
  await world.of(admin).pauseBroadcast({ id });
  pages[1]!.resolve();
  expect((await world.stats(id))[0]).toBe(500);
  await world.of(admin).resumeBroadcast({ id });
  expect(await world.status(id)).toBe("GATHERING");
  world.people.before = async () => {};
  for (const page of pages) page.resolve();
  await world.becomes(id, "COMPLETED", 1000);
  expect(world.post.recipients()).toEqual(people);
  expect((await world.stats(id))[0]).toBe(1200);

  const asked = world.people.asked.length;
  const other = Promise.withResolvers<void>();
  world.people.before = () => other.promise;
  const cancelled = await world.send(admin);
  await eventually(() => world.status(cancelled)).toBe("GATHERING");
  await world.of(admin).cancelBroadcast({ id: cancelled });
  other.resolve();
  await eventually(() => world.people.asked.length).toBe(asked + 1);
  expect(await world.told(cancelled)).toEqual(["cancelled 0 0 0"]);
  expect(await world.stats(cancelled)).toEqual([0, 0, 0, 0, 0]);
});

test("a broadcast that is cancelled ends though the instance that sent the last ones died", async () => {
  world.crowd(40);
  const stuck = Promise.withResolvers<void>();
  world.post.before = () => stuck.promise;
  const id = await world.send(admin, { perSecond: 40 });
  await eventually(() => world.post.calls).toBeGreaterThanOrEqual(10);
  await world.of(admin).cancelBroadcast({ id });
  for (const replica of world.replicas) replica.kill();
  stuck.resolve();
  await world.startReplica();
  expect((await world.get(id)).finishedAt).toBeUndefined();
  await eventually(async () => {
    world.clock.pass(10_000);
    return (await world.get(id)).finishedAt;
  }).toBeDefined();
  expect(await world.stats(id)).toEqual([40, 0, 0, 0, 40]);
  expect(await world.told(id)).toEqual(["started 40", "cancelled 0 0 40"]);
});

test("pausing and resuming it again and again loses nobody and sends nothing twice", async () => {
  const people = world.crowd(1000);
  for (let at = 0; at < 2; at++) await world.startReplica();
  const id = await world.send(admin, { perSecond: 1000 });
  let moves = 0;
  await eventually(async () => {
    const is = await world.status(id);
    if (is === "COMPLETED") return is;
    world.clock.pass(50);
    moves++;
    // It may be completed in between.
    const moved =
      is === "PAUSED" ? world.of(admin).resumeBroadcast({ id }) : world.of(admin).pauseBroadcast({ id });
    await moved.catch(() => {});
    return is;
  }).toBe("COMPLETED");
  expect(moves).toBeGreaterThan(3);
  expect(world.post.recipients()).toEqual(people);
  expect(world.post.calls).toBe(1000);
  expect(await world.told(id)).toEqual(["started 1000", "completed 1000 0 0"]);
});
