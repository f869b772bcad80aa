/** What others may write to the broker must end as a dead letter, and hold up nothing. */
import { toBinary } from "@bufbuild/protobuf";
import { jetstreamManager } from "@nats-io/jetstream";
import { headers as createHeaders } from "@nats-io/transport-node";
import { expect, test, vi } from "vitest";
import { UserCreatedSchema, UserUpdatedSchema } from "#gen/user/v1/events_pb.js";
import { openDeadLetters } from "../dead-letters/dead-letters.ts";
import { reasonOf } from "../errors.ts";
import { newId } from "../id.ts";
import { badHeaders } from "../testing/bad-headers.ts";
import { openWorld } from "../testing/bus.ts";
import { on } from "./consume/on.ts";

const publishes = [UserCreatedSchema, UserUpdatedSchema];
const until = (holds: () => void | Promise<void>) => vi.waitFor(holds, { timeout: 15_000, interval: 10 });

test.each([
  ["that shares", {}],
  ["that keeps the order", { ordered: true }],
])("a consumer %s goes on behind headers that nobody can read", async (_what, options) => {
  await using world = openWorld();
  const user = await world.instance("user", { publishes });
  const other = await world.instance("security");
  const seen: string[] = [];
  other.bus.consume([on(UserCreatedSchema, ({ userId }) => void seen.push(userId), options)]);
  await user.bus.events.publish(UserCreatedSchema, { userId: "a" });
  await until(() => expect(seen).toEqual(["a"]));
  user.nats.connection.publish(user.nats.subject("events.user.created"), "zz", { headers: badHeaders() });
  await user.nats.connection.flush();
  await user.bus.events.publish(UserCreatedSchema, { userId: "b" });
  await until(() => expect(seen).toEqual(["a", "b"]));
  const letters = openDeadLetters(other.nats);
  await until(async () => {
    const { letters: listed } = await letters.list({ limit: 10 });
    expect(listed.map(({ error }) => error)).toEqual([
      'its type is "", which is none that security.user_created handles',
    ]);
  });
});

test("an event whose id is in capitals has its effect, once, also together with others", async () => {
  await using world = openWorld();
  const user = await world.instance("user", { publishes });
  const other = await world.instance("security");
  const { connection, subject } = user.nats;
  await user.bus.events.publish(UserCreatedSchema, { userId: "first" });
  await until(async () =>
    expect(
      (await (await jetstreamManager(connection)).streams.info(user.nats.nameOf("events_user"))).state
        .messages,
    ).toBe(1),
  );
  const ids = Array.from({ length: 100 }, () => newId().toUpperCase());
  for (const id of [...ids, ...ids]) {
    const headers = createHeaders();
    headers.set("ce-id", id);
    headers.set("ce-type", UserCreatedSchema.typeName);
    const data = toBinary(UserCreatedSchema, { $typeName: UserCreatedSchema.typeName, userId: id });
    connection.publish(subject("events.user.created"), data, { headers });
  }
  const seen: string[] = [];
  other.bus.consume([on(UserCreatedSchema, ({ userId }) => void seen.push(userId), { together: 16 })]);
  await until(async () => {
    const metrics = await other.metrics.render();
    expect(metrics).toMatch(/outcome="repeated"[^}]*\} 100\n/);
  });
  expect(seen.toSorted()).toEqual(["first", ...ids].toSorted());
});

test("one aggregate that fails lets thousands of events of others pass in an ordered consumer", async () => {
  await using world = openWorld();
  const user = await world.instance("user", { publishes });
  const other = await world.instance("security");
  const passed = new Set<string>();
  other.bus.consume([
    on(
      UserCreatedSchema,
      ({ userId }) => {
        if (userId === "bad") throw new Error("never");
        passed.add(userId);
      },
      { ordered: true },
    ),
  ]);
  await user.bus.events.publish(UserCreatedSchema, { userId: "bad" });
  const others = Array.from({ length: 1500 }, (_, at) => `user-${at}`);
  await user.db.transaction(async (tx) => {
    for (const userId of others) await user.bus.events.publish(UserCreatedSchema, { userId }, tx);
  });
  await until(() => expect(passed.size).toBe(others.length));
});

test("a key that no header has room for is refused where it is published", async () => {
  await using world = openWorld();
  const user = await world.instance("user", { publishes });
  const refused = await user.bus.events
    .publish(UserCreatedSchema, { userId: "é".repeat(20_000) })
    .catch(reasonOf);
  expect(refused).toBe("event_key_too_long");
});

test("those who listen live hear on behind what is no message", async () => {
  await using world = openWorld();
  const user = await world.instance("user", { publishes });
  const stopping = new AbortController();
  const heard = user.bus.live
    .listen(UserCreatedSchema, { key: "u", signal: stopping.signal })
    [Symbol.asyncIterator]();
  const first = heard.next();
  const { connection, subject } = user.nats;
  const place = subject(`live.user.created.${Buffer.from("u").toString("base64url")}`);
  connection.publish(place, new Uint8Array([255, 255]));
  user.bus.live.send(UserCreatedSchema, { userId: "u" });
  expect((await first).value).toMatchObject({ userId: "u" });
  stopping.abort();
});

test("a dead letter that others wrote is listed with the rest, and can be dropped", async () => {
  await using world = openWorld();
  const { nats } = await world.instance("user", { publishes });
  const letters = openDeadLetters(nats);
  const at = new Date();
  const failure = { error: "why", stack: "", attempts: 1, firstFailedAt: at, lastFailedAt: at };
  const message = { service: "order", consumer: "x", stream: "events_user", subject: "events.user.created" };
  await letters.bury({ ...message, id: newId(), headers: [], data: new Uint8Array() }, failure);
  const told = [
    "no json",
    "null",
    '{"error":5}',
    '{"firstFailedAt":"never"}',
    '{"firstFailedAt":"+200000-01-01T00:00:00Z"}',
  ];
  for (const [index, text] of told.entries()) {
    const headers = createHeaders();
    headers.set("weft-failure", Buffer.from(text).toString("base64url"));
    nats.connection.publish(nats.subject(`dead.order.x.letter-${index}`), "x", { headers });
  }
  nats.connection.publish(nats.subject("dead.order.x.bad"), "x", { headers: badHeaders() });
  await nats.connection.flush();
  await until(async () => {
    const { letters: listed } = await letters.list({ limit: 20 });
    expect(listed).toHaveLength(told.length + 2);
    for (const { firstFailedAt } of listed) expect(firstFailedAt.getUTCFullYear()).toBeLessThan(10_000);
  });
  for (const { id } of (await letters.list({ limit: 20 })).letters) expect(await letters.drop(id)).toBe(true);
});

test("headers that are too many for a dead letter are cut, and it is kept", async () => {
  await using world = openWorld();
  const { nats } = await world.instance("user", { publishes });
  const letters = openDeadLetters(nats);
  const at = new Date();
  const failure = {
    error: "e".repeat(9000),
    stack: "s".repeat(20_000),
    attempts: 1,
    firstFailedAt: at,
    lastFailedAt: at,
  };
  const headers = Array.from({ length: 2000 }, (_, index) => [`x-${index}`, "y".repeat(30)]).flat();
  const message = { id: newId(), service: "order", consumer: "x", stream: "s", subject: "events.x", headers };
  await letters.bury({ ...message, data: new Uint8Array(700_000) }, failure);
  expect((await letters.list({ limit: 5 })).letters).toHaveLength(1);
});
