import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { DescMessage } from "@bufbuild/protobuf";
import { hasOption } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Bucket } from "#gen/analytics/v1/analytics_pb.js";
import { AggregateDataSchema, CalculateEngagementSchema } from "#gen/analytics/v1/jobs_pb.js";
import { BroadcastCompletedSchema } from "#gen/broadcast/v1/events_pb.js";
import { event as eventOption } from "#gen/mesh/v1/options_pb.js";
import { NotificationSentSchema } from "#gen/notification/v1/events_pb.js";
import { Channel } from "#gen/notification/v1/notification_pb.js";
import { OrderCreatedSchema } from "#gen/order/v1/events_pb.js";
import { PaymentRefundedSchema } from "#gen/payment/v1/events_pb.js";
import { ProductStockUpdatedSchema, StockChange } from "#gen/product/v1/events_pb.js";
import { SecurityAlertSchema } from "#gen/security/v1/events_pb.js";
import { UserCreatedSchema, UserDeletedSchema, UserLoggedInSchema } from "#gen/user/v1/events_pb.js";
import { newId } from "#mesh";
import { lockNamed } from "#mesh/db/lock-named.ts";
import { liveOnly, mappings } from "../../services/analytics/facts/all.ts";
import { platformMetrics } from "../../services/analytics/facts/names.ts";
import type { AnalyticsWorld } from "./analytics-world.ts";
import { admin, at, createAnalyticsWorld, dayMs, eventually, factWith, seller } from "./analytics-world.ts";

let world: AnalyticsWorld;
beforeAll(async () => {
  world = await createAnalyticsWorld({ others: true });
});
afterAll(() => world[Symbol.asyncDispose]());

test("every event that any contract declares is counted, or is said to be live only", async () => {
  const gen = join(import.meta.dirname, "..", "..", "gen");
  const declared: string[] = [];
  for (const file of readdirSync(gen, { recursive: true, encoding: "utf8" })) {
    if (!/_pb\.js$/.test(file)) continue;
    const module = (await import(join(gen, file))) as Record<string, DescMessage | undefined>;
    for (const it of Object.values(module)) {
      if (it?.kind === "message" && hasOption(it, eventOption)) declared.push(it.typeName);
    }
  }
  const counted = Object.values(mappings).flatMap((all) => all.map(({ schema }) => schema.typeName));
  expect(declared.length).toBeGreaterThan(15);
  expect([...counted, ...liveOnly].sort()).toEqual(declared.sort());
});

test("what happens on the platform is counted for all, and for whom it concerns", async () => {
  const [buyer, owner] = [newId(), seller()];
  const order = { orderId: newId(), customerId: buyer, sellerId: owner.id };
  const total = { currency: "GHS", minorUnits: 18_500n };
  const now = at(world.clock.now());
  await world.tell(UserCreatedSchema, { userId: buyer, createdAt: now });
  await world.tell(UserLoggedInSchema, { userId: buyer, loggedInAt: now });
  await world.tell(OrderCreatedSchema, { ...order, total, lines: 1, createdAt: now });
  await world.paid(owner.id, buyer, 18_500n);
  await world.tell(PaymentRefundedSchema, {
    ...order,
    amount: { currency: "GHS", minorUnits: 500n },
    refundedAt: now,
  });
  const stock = { productId: newId(), sellerId: owner.id, available: 1, updatedAt: now };
  await world.tell(ProductStockUpdatedSchema, {
    ...stock,
    change: StockChange.RESERVED,
    quantity: 3,
    becameLow: true,
  });
  await world.tell(ProductStockUpdatedSchema, { ...stock, change: StockChange.SOLD, quantity: 3 });
  await world.tell(NotificationSentSchema, {
    userId: buyer,
    topic: "orders",
    channel: Channel.SMS,
    sentAt: now,
  });
  await world.tell(BroadcastCompletedSchema, {
    broadcastId: newId(),
    ownerId: owner.id,
    sent: 40n,
    finishedAt: now,
  });
  await world.tell(SecurityAlertSchema, { threatId: newId(), lastSeenAt: now });

  const shown = async (user: typeof owner) => {
    const { dashboard } = await world.of(user).getDashboard({ bucket: Bucket.DAY });
    return Object.fromEntries(
      dashboard!.metrics.map(({ name, currency, count, sum, minorUnits }) => [
        currency ? `${name} ${currency}` : name,
        [Number(count), sum + Number(minorUnits)],
      ]),
    );
  };
  const owners = {
    "orders_created GHS": [1, 18_500],
    "orders_paid GHS": [1, 18_500],
    "refunds GHS": [1, 500],
    stock_updated: [2, 0],
    stock_low: [1, 0],
    units_reserved: [1, 3],
    products_sold: [1, 0],
    units_sold: [1, 3],
    broadcasts_completed: [1, 40],
  };
  await eventually(() => shown(owner)).toEqual(owners);
  await eventually(() => shown(admin)).toEqual({
    ...owners,
    users_created: [1, 0],
    logins: [1, 0],
    notifications_sent: [1, 0],
    security_alerts: [1, 0],
  });
  expect(await shown(seller())).toEqual({});
  for (const name of Object.keys(await shown(admin))) expect(platformMetrics).toContain(name.split(" ")[0]);
});

test("a late event counts where it happened, in a month that had no partition", async () => {
  const owner = seller();
  const longAgo = Math.floor((world.clock.now() - 200 * dayMs) / dayMs) * dayMs;
  await world.paid(owner.id, newId(), 700n, longAgo);
  await eventually(async () => {
    const { dashboard } = await world.of(owner).getDashboard({
      span: { from: at(longAgo), until: at(longAgo + dayMs) },
      bucket: Bucket.DAY,
    });
    return dashboard!.metrics.map(({ name, count, minorUnits }) => [name, count, minorUnits]);
  }).toEqual([["orders_paid", 1n, 700n]]);
});

test("many events at once are each counted once, and the same after they are added up anew", async () => {
  const owner = seller();
  const buyers = Array.from({ length: 7 }, () => newId());
  const before = await world.counted("orders_paid");
  for (let round = 0; round < 10; round++) {
    await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        world.paid(owner.id, buyers[n % 7]!, BigInt(n), world.clock.now() - ((n * 37) % 50) * 3_600_000),
      ),
    );
  }
  await eventually(() => world.counted("orders_paid")).toBe(before + 400);
  const sums = await world.sums();
  await world.sql`update rollups set count = count + 1`;
  await world.sql`update active set buys = 99`;
  await world.setup.jobs.enqueue(AggregateDataSchema, {
    from: at(world.clock.now() - 300 * dayMs),
    until: at(world.clock.now() + dayMs),
  });
  await eventually(world.sums).toEqual(sums);
});

test("a user who is gone is forgotten, whatever still comes about her; what she did stays counted", async () => {
  const [owner, gone] = [seller(), newId()];
  await world.paid(owner.id, gone, 100n);
  const rows = async () => {
    const [row] = await world.sql<{ facts: number; active: number; seen: number }[]>`
      select (select count(*)::int from facts where user_id = ${gone}) as facts,
        (select count(*)::int from active where user_id = ${gone}) as active,
        (select count(*)::int from seen where user_id = ${gone}) as seen`;
    return row;
  };
  await eventually(rows).toEqual({ facts: 1, active: 2, seen: 2 });
  await world.tell(UserDeletedSchema, { userId: gone, deletedAt: at(world.clock.now()) });
  await eventually(rows).toEqual({ facts: 0, active: 0, seen: 0 });
  await world.paid(owner.id, gone, 100n);
  await eventually(async () => {
    const { dashboard } = await world.of(owner).getDashboard({ metrics: ["orders_paid"] });
    return dashboard!.metrics[0]!.minorUnits;
  }).toBe(200n);
  expect(await rows()).toEqual({ facts: 0, active: 0, seen: 0 });
  await eventually(() => world.counted("users_deleted")).toBe(1);
});

/** Locks of the database that somebody waits for. */
const waiting = () => world.sql<{ key: string }[]>`
  select ((l.classid::bigint << 32) | l.objid::bigint)::text as key
  from pg_locks l join pg_database d on d.oid = l.database
  where d.datname = current_database() and l.locktype = 'advisory' and not l.granted`;

test("whoever forgets a user waits for what she tracks before others wait for him", async () => {
  const gone = newId();
  const [held, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const tracking = world.setup.db.transaction(async (tx) => {
    await lockNamed(tx, `user:${gone}`);
    held.resolve();
    await release.promise;
  });
  await held.promise;
  await world.tell(UserDeletedSchema, { userId: gone, deletedAt: at(world.clock.now()) });
  const [{ key } = { key: "" }] = await world.sql<{ key: string }[]>`
    select hashtextextended(${`user:${gone}`}, 0)::text as key`;
  await eventually(waiting).toContainEqual({ key });
  expect(await world.count([factWith()])).toBe(1);
  release.resolve();
  await tracking;
  await eventually(() => world.sql`select 1 from forgotten where user_id = ${gone}`).toHaveLength(1);
});

test("events of all services are put by while nobody may count, and take no connections meanwhile", async () => {
  const release = await world.holdFigures();
  const userId = newId();
  const now = at(world.clock.now());
  await world.tell(UserLoggedInSchema, { userId, loggedInAt: now });
  await world.tell(SecurityAlertSchema, { threatId: newId(), lastSeenAt: now });
  await world.tell(NotificationSentSchema, { userId: newId(), channel: Channel.SMS, sentAt: now });
  await world.paid(newId(), newId(), 1n);
  const waitingFacts = async () =>
    (await world.sql<{ metric: string }[]>`select metric from waiting_facts`).map(({ metric }) => metric);
  // Beside what tests before have caused.
  const ours = ["logins", "security_alerts", "notifications_sent", "orders_paid"];
  await eventually(waitingFacts).toEqual(expect.arrayContaining(ours));
  // Who counts, and who makes partitions.
  expect((await waiting()).length).toBeLessThanOrEqual(2);
  await release();
  const logins = () => world.sql`select 1 from facts where metric = 'logins' and user_id = ${userId}`;
  await eventually(logins).toHaveLength(1);
  await eventually(waitingFacts).toEqual([]);
});

test("what was done with one post is added up anew, and nothing else is touched", async () => {
  const [postId, ownerId] = [newId(), newId()];
  const facts = [0, 1, 40].map((days) =>
    factWith({
      ...{
        metric: "tracked.post_viewed",
        ownerId,
        subjectType: "post",
        subjectId: postId,
        tags: ["engaged"],
      },
      occurredAt: new Date(world.clock.now() - days * dayMs),
    }),
  );
  await world.count(facts);
  const sums = () => world.sql`
    select bucket, owner_id, metric, count, sum from rollups where subject_id = ${postId} order by 1, 2`;
  const others = () => world.sql`
    select bucket, owner_id, count from rollups where subject_id = 'engaged' order by 1, 2`;
  const right = await sums();
  expect(right).toHaveLength(6);
  await world.sql`update rollups set count = count + 1 where subject_id in (${postId}, 'engaged')`;
  await world.sql`
    insert into rollups (bucket, owner_id, subject_type, subject_id, metric, currency, count, sum)
    select bucket, owner_id, subject_type, subject_id, 'never', currency, 1, 1 from rollups where subject_id = ${postId}`;
  const untouched = await others();
  await world.setup.jobs.enqueue(CalculateEngagementSchema, { postId: postId.toUpperCase() });
  await eventually(sums).toEqual(right);
  expect(await others()).toEqual(untouched);
});

test("facts that come twice with the same id are one", async () => {
  const fact = factWith({ metric: "orders_failed" });
  expect(await world.count([fact])).toBe(1);
  expect(await world.count([fact])).toBe(0);
  expect(await world.counted("orders_failed")).toBe(1);
});
