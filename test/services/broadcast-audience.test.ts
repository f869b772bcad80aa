import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { OrderStatus } from "#gen/order/v1/order_pb.js";
import { newId } from "#mesh";
import type { BroadcastWorld } from "./broadcast-world.ts";
import { admin, createBroadcastWorld, eventually, newManager, newSeller } from "./broadcast-world.ts";

let world: BroadcastWorld;
beforeAll(async () => {
  world = await createBroadcastWorld();
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => world.mend());

describe("a seller", () => {
  test("reaches only who bought from her, whatever the segment says", async () => {
    const people = world.crowd(6);
    const [mine, alsoMine, others] = people as [string, string, string];
    const [seller, other] = [newSeller(), newSeller()];
    await world.bought(seller.id, [mine, alsoMine]);
    await world.bought(other.id, [others]);
    const reached = async (segment: object) => {
      world.post.made.clear();
      const id = await world.send(seller, { segment, perSecond: 1000 });
      await world.becomes(id, "COMPLETED");
      return world.post.recipients();
    };
    expect(await reached({})).toEqual([mine, alsoMine]);
    expect(await reached({ userIds: people })).toEqual([mine, alsoMine]);
    expect(await reached({ userIds: [others, mine.toUpperCase(), newId()] })).toEqual([mine]);
    expect(await reached({ userIds: [others] })).toEqual([]);
  });

  test("who sends to somebody who is gone sends to the others", async () => {
    const [ama, kofi] = world.crowd(2) as [string, string];
    const seller = newSeller();
    await world.bought(seller.id, [ama, kofi, newId()]);
    const id = await world.send(seller, { perSecond: 1000 });
    await world.becomes(id, "COMPLETED");
    expect(world.post.recipients()).toEqual([ama, kofi]);
  });

  test("is not let out of that by having been an admin when it was drafted", async () => {
    const [ama] = world.crowd(2) as [string];
    const manager = newManager();
    await world.bought(manager.id, [ama]);
    const { id } = await world.create(manager, { perSecond: 1000 });
    const demoted = { ...newSeller(), id: manager.id };
    await world.of(demoted).scheduleBroadcast({ id });
    await world.becomes(id, "COMPLETED");
    expect(world.post.recipients()).toEqual([ama]);
  });

  test("reaches no more by having an admin schedule what she drafted", async () => {
    const [ama] = world.crowd(2) as [string];
    const seller = newSeller();
    await world.bought(seller.id, [ama]);
    const { id } = await world.create(seller, { perSecond: 1000 });
    await world.of(admin).scheduleBroadcast({ id });
    await world.becomes(id, "COMPLETED");
    expect(world.post.recipients()).toEqual([ama]);
  });

  test("chooses by how many orders, and when the last one was", async () => {
    const [once, often] = world.crowd(2) as [string, string];
    const seller = newSeller();
    await world.bought(seller.id, [once]);
    await world.bought(seller.id, [often], 5);
    const preview = async (customers: object) =>
      (await world.of(seller).previewAudience({ segment: { customers } })).userIds;
    const day = 24 * 3_600_000;
    expect(await preview({})).toEqual([once, often]);
    expect(await preview({ leastOrders: 2 })).toEqual([often]);
    expect(await preview({ orderedAfter: timestampFromMs(Date.now() - day) })).toEqual([once, often]);
    expect(await preview({ orderedBefore: timestampFromMs(Date.now() - day) })).toEqual([]);
  });
});

describe("an admin", () => {
  test("reaches everybody, those who are named, or her own customers", async () => {
    const people = world.crowd(3);
    const manager = newManager();
    await world.bought(manager.id, [people[2]!]);
    const preview = async (segment: object) => (await world.of(manager).previewAudience({ segment })).userIds;
    expect(await preview({})).toEqual(people);
    expect(await preview({ userIds: [people[1], newId()] })).toEqual([people[1]]);
    expect(await preview({ customers: {} })).toEqual([people[2]]);
  });

  test("sends to ten thousand who are named, page by page", { timeout: 60_000 }, async () => {
    const people = world.crowd(1100);
    const named = [...people, ...Array.from({ length: 8900 }, () => newId())];
    const { id } = await world.create(admin, { segment: { userIds: named }, perSecond: 1000 });
    expect((await world.get(id)).segment?.userIds).toEqual(named.sort());
    const { broadcasts } = await world.of(admin).listBroadcasts({ pageSize: 1 });
    expect(broadcasts[0]).toMatchObject({ id, segment: { userIds: [] } });
    await world.of(admin).scheduleBroadcast({ id });
    await world.becomes(id, "COMPLETED", 100);
    expect(world.post.recipients()).toEqual(people);
    expect(world.people.asked.map(({ userIds }) => userIds)).toEqual(Array.from({ length: 20 }, () => 500));
  });
});

test("a preview counts, shows ten, and says when there are more than it counts", async () => {
  const people = world.crowd(25);
  const all = await world.of(admin).previewAudience({ segment: {} });
  expect(all).toMatchObject({ count: 25n, userIds: people.slice(0, 10), more: false });
  const named = await world.of(admin).previewAudience({ segment: { userIds: people.slice(5, 20) } });
  expect(named).toMatchObject({ count: 15n, userIds: people.slice(5, 15), more: false });

  const seller = newSeller();
  await world.bought(seller.id, people);
  await world.sql`
    insert into customers (owner_id, user_id, orders, last_order_at)
    select ${seller.id}, gen_random_uuid(), 1, now() from generate_series(1, 20000)`;
  const bought = await world.of(seller).previewAudience({ segment: {} });
  expect(bought).toMatchObject({ count: 20_025n, more: false });
  const manager = { ...newManager(), id: seller.id };
  const segment = { customers: {}, users: { locales: ["en"] } };
  const filtered = await world.of(manager).previewAudience({ segment });
  expect(filtered.more).toBe(true);
  const pages = world.people.asked.filter(({ userIds }) => userIds > 0);
  expect(Math.max(...pages.map(({ userIds }) => userIds))).toBe(500);
});

test("a preview tells a seller nothing of a single user, and all of whom she knows", async () => {
  const people = world.crowd(25);
  const seller = newSeller();
  await world.bought(seller.id, people.slice(0, 19));
  const preview = (segment: object) => world.of(seller).previewAudience({ segment });
  const nothing = { count: 0n, userIds: [], few: true, more: false };
  expect(await preview({ userIds: people })).toMatchObject(nothing);
  expect(await preview({ userIds: [newId()] })).toMatchObject(nothing);
  expect(await preview({ users: {} })).toMatchObject({ count: 19n, few: false });
  expect(await preview({ customers: {} })).toMatchObject({ count: 19n, userIds: people.slice(0, 10) });
  await world.bought(seller.id, people.slice(19, 20));
  expect(await preview({ userIds: people })).toMatchObject({ count: 20n, few: false });
  const some = await world.of(admin).previewAudience({ segment: { userIds: people.slice(3, 5) } });
  expect(some).toMatchObject({ count: 2n, userIds: people.slice(3, 5), few: false });
});

test("a large audience holds up no other broadcast, though their places are few", async () => {
  const people = world.crowd(5);
  const opened = Promise.withResolvers<void>();
  let arrived = 0;
  world.people.before = () => {
    arrived++;
    return opened.promise;
  };
  const large = await world.send(admin);
  await eventually(() => arrived).toBe(1);
  world.people.before = async () => {};
  for (const userId of people) {
    const id = await world.send(admin, { segment: { userIds: [userId] }, perSecond: 1000 });
    await world.becomes(id, "COMPLETED");
  }
  // Nor did it give up its place meanwhile.
  expect(await world.sql`select tries from broadcasts where id = ${large}`).toEqual([{ tries: 0 }]);
  expect(await world.status(large)).toBe("GATHERING");
  opened.resolve();
  await world.becomes(large, "COMPLETED", 100);
});

describe("customers", () => {
  test("are counted once for each order that is paid, whatever is told twice or late", async () => {
    const [seller, customer, other] = [newId(), newId(), newId()];
    const first = await world.order(seller, customer);
    await world.order(seller, customer, OrderStatus.PAID, first.toUpperCase());
    await world.order(seller, customer, OrderStatus.PROCESSING, first);
    await world.order(seller, customer);
    await world.order(seller, other, OrderStatus.AWAITING_PAYMENT);
    await eventually(() => world.customers(seller)).toEqual([`${customer} 2`]);
    await world.order(seller, customer, OrderStatus.REFUNDED, first);
    await world.order(seller, customer, OrderStatus.REFUNDED, first);
    await eventually(() => world.customers(seller)).toEqual([`${customer} 1`]);
    // That it came to nothing is told before it was paid.
    const odd = newId();
    await world.order(seller, other, OrderStatus.CANCELLED, odd);
    await world.order(seller, other, OrderStatus.PAID, odd);
    const last = await world.order(seller, other);
    await eventually(() => world.customers(seller)).toEqual([`${customer} 1`, `${other} 1`].sort());
    await world.order(seller, other, OrderStatus.CANCELLED, last);
    await eventually(() => world.customers(seller)).toEqual([`${customer} 1`]);
  });

  test("are counted right when everything is told at once", async () => {
    const [seller, customer] = [newId(), newId()];
    const orders = Array.from({ length: 20 }, () => newId());
    await Promise.all(
      orders.flatMap((id, at) => [
        world.order(seller, customer, OrderStatus.PAID, id),
        ...(at % 2 ? [world.order(seller, customer, OrderStatus.REFUNDED, id)] : []),
      ]),
    );
    const handled = async () =>
      (
        await world.sql`
        select 1 from purchases where owner_id = ${seller} and paid_at is not null
          and (undone or order_id = any(${orders.filter((_, at) => at % 2 === 0)}::uuid[]))`
      ).length;
    await eventually(handled).toBe(20);
    expect(await world.customers(seller)).toEqual([`${customer} 10`]);
  });
});

describe("a user who is deleted", () => {
  test("is not made a customer again by what is told late", async () => {
    const [seller, gone, other] = [newId(), newId(), newId()];
    const early = await world.order(seller, gone);
    await eventually(() => world.customers(seller)).toEqual([`${gone} 1`]);
    await world.deleteUser(gone);
    await eventually(() => world.customers(seller)).toEqual([]);
    await world.order(seller, gone, OrderStatus.PAID, early);
    await world.order(seller, gone);
    await world.order(seller, other);
    await eventually(() => world.customers(seller)).toEqual([`${other} 1`]);
    expect(await world.sql`select 1 from purchases where user_id = ${gone}`).toHaveLength(0);
  });

  test("is no customer in the end, whichever of order and deletion is told first", async () => {
    const [seller, other] = [newId(), newId()];
    const gone = Array.from({ length: 20 }, () => newId());
    await Promise.all(gone.flatMap((id) => [world.order(seller, id), world.deleteUser(id)]));
    const forgotten = async () =>
      (await world.sql`select 1 from forgotten where user_id = any(${gone}::uuid[])`).length;
    await eventually(forgotten).toBe(20);
    await world.order(seller, other);
    await eventually(() => world.customers(seller)).toEqual([`${other} 1`]);
  });

  test("is no customer any more, and gets nothing that she waits for", async () => {
    const [ama, kofi] = world.crowd(2) as [string, string];
    const seller = newSeller();
    await world.bought(seller.id, [ama, kofi]);
    world.clock.frozenAt = Date.now();
    const id = await world.send(seller, { perSecond: 1 });
    await world.reaches(id, [2, 1, 1, 0, 0]);
    await world.deleteUser(kofi);
    await world.becomes(id, "COMPLETED");
    expect(await world.recipients(id)).toEqual([`${ama} SENT`, `${kofi} SKIPPED gone`]);
    expect(await world.customers(seller.id)).toEqual([`${ama} 1`]);
    expect(await world.told(id)).toEqual(["started 2", "completed 1 0 1"]);
  });

  test("sends nothing any more", async () => {
    const people = world.crowd(3);
    world.clock.frozenAt = Date.now();
    const seller = newSeller();
    await world.bought(seller.id, people);
    const drafted = await world.create(seller);
    const id = await world.send(seller, { perSecond: 1 });
    await world.reaches(id, [3, 2, 1, 0, 0]);
    await world.deleteUser(seller.id);
    await world.becomes(id, "CANCELLED");
    await world.becomes(drafted.id, "CANCELLED");
    expect((await world.get(id)).reason).toBe("owner_gone");
    expect(await world.told(id)).toEqual(["started 3", "cancelled 1 0 2"]);
    expect(await world.customers(seller.id)).toEqual([]);
  });
});
