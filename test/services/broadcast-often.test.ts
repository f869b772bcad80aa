import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Channel, DeliveryStatus } from "#gen/notification/v1/notification_pb.js";
import { fail } from "#mesh";
import type { BroadcastWorld } from "./broadcast-world.ts";
import { createBroadcastWorld, eventually, newManager, newSeller } from "./broadcast-world.ts";

const hourMs = 3_600_000;

let world: BroadcastWorld;
beforeAll(async () => {
  world = await createBroadcastWorld();
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => world.mend());

type Who = ReturnType<typeof newSeller>;

async function sent(who: Who, more: object = {}): Promise<string> {
  const id = await world.send(who, { perSecond: 1000, ...more });
  await world.becomes(id, "COMPLETED");
  return id;
}

/** A seller with so many customers. */
async function shop(customers: number): Promise<{ seller: Who; people: string[] }> {
  const seller = newSeller();
  const people = world.crowd(customers);
  await world.bought(seller.id, people);
  return { seller, people };
}

const places = (ownerId: string) => world.sql`select 1 from reached where owner_id = ${ownerId}`;

describe("a customer", () => {
  test("gets three messages of a seller in a day, and then is skipped", async () => {
    const { seller, people } = await shop(2);
    const [ama, kofi] = people as [string, string];
    for (let at = 0; at < 3; at++) await sent(seller, { segment: { userIds: [ama] } });
    const skipped = () => world.metric("weft_broadcast_recipients_total", { outcome: "skipped" });
    const before = await skipped();
    const last = await sent(seller);
    expect(await world.recipients(last)).toEqual([`${ama} SKIPPED too_often`, `${kofi} SENT`]);
    expect(await world.stats(last)).toEqual([2, 0, 1, 0, 1]);
    expect(await world.told(last)).toEqual(["started 2", "completed 1 0 1"]);
    expect((await skipped()) - before).toBe(1);
    expect(world.post.recipients().filter((it) => it === ama)).toHaveLength(3);
  });

  test("gets the next one when a day has passed since they went out", async () => {
    const { seller } = await shop(1);
    world.clock.frozenAt = Date.now();
    for (let at = 0; at < 3; at++) await sent(seller);
    // The last may have gone out as late as its lease let it.
    world.clock.pass(24 * hourMs + 59_000);
    expect(await world.stats(await sent(seller))).toEqual([1, 0, 0, 0, 1]);
    world.clock.pass(1000);
    expect(await world.stats(await sent(seller))).toEqual([1, 0, 1, 0, 0]);
    // What does not count any more is not kept.
    await eventually(() => places(seller.id)).toHaveLength(1);
  });

  test("is counted for each seller apart", async () => {
    const { seller, people } = await shop(1);
    const other = newSeller();
    await world.bought(other.id, people);
    for (let at = 0; at < 3; at++) await sent(seller);
    expect(await world.stats(await sent(other))).toEqual([1, 0, 1, 0, 0]);
  });

  test("gets what is for everybody however much that is, and it does not count", async () => {
    const people = world.crowd(2);
    const manager = newManager();
    await world.bought(manager.id, people);
    for (let at = 0; at < 4; at++) expect(await world.stats(await sent(manager))).toEqual([2, 0, 2, 0, 0]);
    expect(await places(manager.id)).toHaveLength(0);
    const seller = { ...newSeller(), id: manager.id };
    expect(await world.stats(await sent(seller))).toEqual([2, 0, 2, 0, 0]);
  });

  test("is not let in again by deleting what was sent", async () => {
    const { seller } = await shop(1);
    for (let at = 0; at < 3; at++) {
      const id = await sent(seller);
      await world.of(seller).deleteBroadcast({ id });
      await eventually(() => world.sql`select 1 from broadcasts where id = ${id}`).toHaveLength(0);
    }
    expect(await world.stats(await sent(seller))).toEqual([1, 0, 0, 0, 1]);
  });

  test("who got nothing for want of wishing it is not counted", async () => {
    const { seller } = await shop(1);
    world.post.deliveries = () => [
      { channel: Channel.EMAIL, status: DeliveryStatus.SKIPPED, reason: "not_wanted" },
    ];
    for (let at = 0; at < 3; at++) await sent(seller);
    world.post.deliveries = () => [{ channel: Channel.EMAIL, status: DeliveryStatus.QUEUED }];
    expect(await world.stats(await sent(seller))).toEqual([1, 0, 1, 0, 0]);
  });

  test("for whom it is tried again keeps the place", async () => {
    const { seller } = await shop(1);
    for (let at = 0; at < 2; at++) await sent(seller);
    world.post.before = async () => {
      throw fail.exhausted("busy", "the notification service has too much to do");
    };
    const id = await world.send(seller, { perSecond: 1000 });
    await eventually(() => places(seller.id)).toHaveLength(3);
    const other = await world.send(seller, { perSecond: 1000 });
    await world.becomes(other, "COMPLETED", 1000);
    expect(await world.stats(other)).toEqual([1, 0, 0, 0, 1]);
    world.post.before = async () => {};
    await world.becomes(id, "COMPLETED", 1000);
    expect(await world.stats(id)).toEqual([1, 0, 1, 0, 0]);
  });

  test("who is gone leaves no trace of it", async () => {
    const { seller, people } = await shop(2);
    await sent(seller);
    await world.deleteUser(people[0]!);
    await eventually(() => places(seller.id)).toHaveLength(1);
    await world.deleteUser(seller.id);
    await eventually(() => places(seller.id)).toHaveLength(0);
  });
});

test("nobody gets more than three when instances send many broadcasts at once", async () => {
  const { seller, people } = await shop(60);
  for (let at = 0; at < 2; at++) await world.startReplica();
  const ids = await Promise.all(Array.from({ length: 8 }, () => world.send(seller, { perSecond: 40 })));
  for (const id of ids) await world.becomes(id, "COMPLETED", 25);
  const got = world.post.recipients();
  expect(people.map((id) => got.filter((it) => it === id).length)).toEqual(people.map(() => 3));
  const stats = await Promise.all(ids.map(world.stats));
  expect(stats.reduce((sum, [, , count = 0]) => sum + count, 0)).toBe(180);
  expect(stats.reduce((sum, [, , , , count = 0]) => sum + count, 0)).toBe(300);
});

test("those who had enough hold up nobody else", async () => {
  const { seller, people } = await shop(60);
  const [last] = people.slice(-1) as [string];
  for (let at = 0; at < 3; at++) await sent(seller, { segment: { userIds: people.slice(0, -1) } });
  world.clock.frozenAt = Date.now();
  // One a second would take a minute to get to the last.
  const id = await world.send(seller, { perSecond: 1 });
  await world.becomes(id, "COMPLETED");
  expect(await world.stats(id)).toEqual([60, 0, 1, 0, 59]);
  expect((await world.recipients(id)).at(-1)).toBe(`${last} SENT`);
});
