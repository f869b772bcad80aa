import { jetstreamManager } from "@nats-io/jetstream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { UserCreatedSchema, UserUpdatedSchema } from "#gen/user/v1/events_pb.js";
import { on } from "../events/consume/on.ts";
import { newId } from "../id.ts";
import type { TestInstance, TestWorld } from "../testing/bus.ts";
import { openWorld } from "../testing/bus.ts";
import type { NatsServer } from "../testing/nats-server.ts";
import { startNatsServer } from "../testing/nats-server.ts";
import { markPublished } from "./outbox-store.ts";

const publishes = [UserCreatedSchema, UserUpdatedSchema];
const until = (holds: () => void | Promise<void>) => vi.waitFor(holds, { timeout: 15_000, interval: 10 });

let server: NatsServer;
let world: TestWorld;
beforeEach(async () => {
  server = await startNatsServer();
  world = openWorld({ natsUrl: server.url });
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await server.stop();
});

type Instance = Awaited<ReturnType<TestWorld["instance"]>>;
const pending = async ({ db }: Instance) =>
  (await db.sql`select 1 from weft_outbox where published_at is null`).length;
const listen = (instance: Instance, name?: string) => {
  const seen: string[] = [];
  instance.bus.consume([
    on(UserCreatedSchema, ({ userId }) => void seen.push(userId), { ...(name !== undefined && { name }) }),
  ]);
  return seen;
};

test("what is told while the broker is away waits, and arrives once it is back", async () => {
  const user = await world.instance("user", { publishes });
  const other = await world.instance("security");
  const seen = listen(other);
  await user.bus.events.publish(UserCreatedSchema, { userId: "before" });
  await until(() => expect(seen).toEqual(["before"]));
  await server.crash();
  for (let at = 0; at < 30; at++) await user.bus.events.publish(UserCreatedSchema, { userId: String(at) });
  expect(await pending(user)).toBe(30);
  await server.restart();
  await until(() => expect(new Set(seen).size).toBe(31));
  expect(seen).toHaveLength(31);
  await until(async () => expect(await pending(user)).toBe(0));
});

test("what the broker acknowledged and lost is published again, and has no second effect elsewhere", async () => {
  const user = await world.instance("user", { publishes });
  const early = await world.instance("security");
  const seenEarly = listen(early);
  for (let at = 0; at < 20; at++) await user.bus.events.publish(UserCreatedSchema, { userId: String(at) });
  await until(() => expect(seenEarly).toHaveLength(20));
  await until(async () => expect(await pending(user)).toBe(0));
  await server.crash();
  await server.restart({ empty: true });
  const late = await world.instance("audit");
  const seenLate = listen(late);
  await until(() => expect(new Set(seenLate).size).toBe(20));
  await user.bus.events.publish(UserCreatedSchema, { userId: "after" });
  await until(() => expect([seenEarly.length, seenLate.length]).toEqual([21, 21]));
});

test("a full stream refuses, the outbox keeps, and what there is room for again arrives", async () => {
  const user = await world.instance("user", {
    publishes,
    settings: { replicas: 1, maxAgeMs: 3_600_000, maxBytes: 8 * 1024 },
  });
  for (let at = 0; at < 100; at++) await user.bus.events.publish(UserCreatedSchema, { userId: newId() });
  const jsm = await jetstreamManager(user.nats.connection);
  const stream = user.nats.nameOf("events_user");
  await until(async () => expect((await jsm.streams.info(stream)).state.bytes).toBeGreaterThan(7000));
  expect(await pending(user)).toBeGreaterThan(50);
  const { config } = await jsm.streams.info(stream);
  await jsm.streams.update(stream, { ...config, max_bytes: 1024 * 1024 });
  await until(async () => expect(await pending(user)).toBe(0));
  expect((await jsm.streams.info(stream)).state.messages).toBe(100);
});

/** How many the broker acknowledged to this instance. */
async function publishedBy({ metrics }: TestInstance): Promise<number> {
  return Number(/^weft_outbox_published_total\S* (\d+)$/m.exec(await metrics.render())?.[1] ?? 0);
}

test("one instance publishes at a time, and another goes on when it stops", async () => {
  const one = await world.instance("user", { publishes });
  const two = await world.instance("user", { publishes });
  const other = await world.instance("security");
  const seen = listen(other);
  await two.bus.events.publish(UserCreatedSchema, { userId: "a" });
  await until(() => expect(seen).toEqual(["a"]));
  await one.bus.events.publish(UserCreatedSchema, { userId: "b" });
  await until(() => expect(seen).toEqual(["a", "b"]));
  let counts: number[] = [];
  await until(async () => {
    counts = await Promise.all([one, two].map(publishedBy));
    expect(counts.toSorted()).toEqual([0, 2]);
  });
  const [first, second] = counts[0] === 2 ? [one, two] : [two, one];
  await first.stop();
  await second.bus.events.publish(UserCreatedSchema, { userId: "c" });
  await until(() => expect(seen).toEqual(["a", "b", "c"]));
  await until(async () => expect(await publishedBy(second)).toBe(1));
});

test("an instance that is no longer the one that publishes notes nothing as published", async () => {
  const user = await world.instance("user", { publishes });
  await until(async () => expect(await user.db.sql`select 1 from weft_fences`).toHaveLength(1));
  await server.crash();
  await user.bus.events.publish(UserCreatedSchema, { userId: "a" });
  const [row] = await user.db.sql<{ position: bigint }[]>`select position from weft_outbox`;
  const acked = [{ position: row!.position, sequence: 1 }];
  const mark = [{ stream: "events_user", created: "then", sequence: 1 }];
  await markPublished(user.db.sql, acked, mark, 0n);
  expect([await pending(user), (await user.db.sql`select 1 from weft_streams`).length]).toEqual([1, 0]);
  const [fence] = await user.db.sql<{ epoch: bigint }[]>`select epoch from weft_fences`;
  await markPublished(user.db.sql, acked, mark, fence!.epoch);
  expect([await pending(user), (await user.db.sql`select 1 from weft_streams`).length]).toEqual([0, 1]);
});

test("events of one aggregate are stored in the order in which their transactions were committed", async () => {
  const one = await world.instance("user", { publishes });
  const two = await world.instance("user", { publishes });
  await one.db.sql`create table accounts (id text primary key, version int not null)`;
  await one.db.sql`insert into accounts select 'u' || n, 0 from generate_series(1, 3) n`;
  const change = ({ db, bus }: Instance, id: string) =>
    db.transaction(async (tx) => {
      // Told before it is changed: only the order of the events can tell who was first.
      await bus.events.publish(UserUpdatedSchema, { userId: id, fields: [] }, tx);
      const [row] = await tx<{ version: number }[]>`
        update accounts set version = version + 1 where id = ${id} returning version`;
      await tx`
        update weft_outbox set headers = headers || E'\nx-version\n' || ${row!.version}::text
        where position = (select max(position) from weft_outbox where headers like ${`%ce-subject\n${id}\n%`})`;
    });
  await Promise.all(Array.from({ length: 60 }, (_, at) => change(at % 2 ? one : two, `u${1 + (at % 3)}`)));
  await until(async () => expect(await pending(one)).toBe(0));
  const jsm = await jetstreamManager(one.nats.connection);
  const versions = new Map<string, number[]>();
  for (let seq = 1; seq <= 60; seq++) {
    const stored = await jsm.direct.getMessage(one.nats.nameOf("events_user"), { seq });
    const key = stored!.header.get("ce-subject");
    versions.set(key, [...(versions.get(key) ?? []), Number(stored!.header.get("x-version"))]);
  }
  for (const list of versions.values()) expect(list).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
});

test("two platforms on one broker do not hear each other", async () => {
  const elsewhere = openWorld({ natsUrl: server.url });
  try {
    const here = await world.instance("user", { publishes });
    const there = await elsewhere.instance("user", { publishes });
    const seen = listen(await elsewhere.instance("security"));
    await here.bus.events.publish(UserCreatedSchema, { userId: "here" });
    await there.bus.events.publish(UserCreatedSchema, { userId: "there" });
    await until(() => expect(seen).toEqual(["there"]));
    await until(async () => expect(await pending(here)).toBe(0));
    expect(seen).toEqual(["there"]);
  } finally {
    await elsewhere[Symbol.asyncDispose]();
  }
});
