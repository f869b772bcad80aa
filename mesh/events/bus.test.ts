import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { UserCreatedSchema, UserDeletedSchema, UserUpdatedSchema } from "#gen/user/v1/events_pb.js";
import { openDeadLetters } from "../dead-letters/dead-letters.ts";
import { fail } from "../errors.ts";
import { newId } from "../id.ts";
import { openWorld } from "../testing/bus.ts";
import type { Event } from "./consume/on.ts";
import { on } from "./consume/on.ts";

const publishes = [UserCreatedSchema, UserUpdatedSchema, UserDeletedSchema];
const until = (holds: () => void | Promise<void>) => vi.waitFor(holds, { timeout: 15_000, interval: 10 });

test("an event arrives with its effect, once its transaction is committed, and never otherwise", async () => {
  await using world = openWorld();
  const user = await world.instance("user", { publishes });
  const other = await world.instance("security");
  await other.db.sql`create table effects (id text primary key, subject text)`;
  other.bus.consume([
    on(UserCreatedSchema, async ({ userId }, { tx, subject }) => {
      await tx`insert into effects values (${userId}, ${subject})`;
    }),
  ]);
  const [kept, undone] = [newId(), newId()];
  await expect(
    user.db.transaction(async (tx) => {
      await user.bus.events.publish(UserCreatedSchema, { userId: undone }, tx);
      throw new Error("no");
    }),
  ).rejects.toThrow("no");
  await user.db.transaction((tx) => user.bus.events.publish(UserCreatedSchema, { userId: kept }, tx));
  await until(async () => {
    expect(await other.db.sql`select id, subject from effects`).toMatchObject([
      { id: kept, subject: "user.created" },
    ]);
  });
});

test("a duplicate outside the broker's own window has one effect", async () => {
  await using world = openWorld();
  const user = await world.instance("user", { publishes });
  const other = await world.instance("security");
  let effects = 0;
  other.bus.consume([on(UserCreatedSchema, () => void effects++)]);
  await user.bus.events.publish(UserCreatedSchema, { userId: newId() });
  await until(() => expect(effects).toBe(1));
  // As when the broker forgot about it, and the relay publishes it again.
  const [row] = await user.db.sql`select id, subject, headers, data from weft_outbox`;
  const { headers } = await import("@nats-io/transport-node");
  const again = headers();
  const pairs = (row!.headers as string).split("\n");
  for (let at = 0; at < pairs.length; at += 2) again.set(pairs[at]!, pairs[at + 1]!);
  user.nats.connection.publish(user.nats.subject(row!.subject), row!.data, { headers: again });
  await user.bus.events.publish(UserCreatedSchema, { userId: newId() });
  await until(() => expect(effects).toBe(2));
  await until(async () => {
    expect(await other.metrics.render()).toMatch(
      /weft_events_handled_total\{[^}]*outcome="repeated"[^}]*\} 1/,
    );
  });
  expect(effects).toBe(2);
});

test("one that fails is tried again, and others are not held up", async () => {
  await using world = openWorld();
  const user = await world.instance("user", { publishes });
  const other = await world.instance("security");
  const seen: string[] = [];
  const bad = newId();
  const good = Array.from({ length: 20 }, () => newId());
  const wereAllSeen = () => good.every((it) => seen.includes(it));
  other.bus.consume([
    on(
      UserCreatedSchema,
      ({ userId }) => {
        seen.push(userId);
        if (userId === bad && !wereAllSeen()) throw new Error("not before the others");
      },
      { backoffMs: 20, concurrency: 1 },
    ),
  ]);
  await user.bus.events.publish(UserCreatedSchema, { userId: bad });
  for (const userId of good) await user.bus.events.publish(UserCreatedSchema, { userId });
  await until(() => {
    expect(wereAllSeen()).toBe(true);
    expect(seen.at(-1)).toBe(bad);
  });
  await until(async () => expect(await other.db.sql`select * from weft_failures`).toHaveLength(0));
});

test("what fails for good becomes a dead letter that tells why, and has its effect when it is replayed", async () => {
  await using world = openWorld();
  const user = await world.instance("user", { publishes });
  const other = await world.instance("security");
  const bystander = await world.instance("audit");
  let broken = true;
  const seen: Event[] = [];
  let bystanderSaw = 0;
  const handle = (_: unknown, event: Event) => {
    if (broken) throw new Error("the shelf is full");
    seen.push(event);
  };
  other.bus.consume([on(UserCreatedSchema, handle, { attempts: 3, backoffMs: 10 })]);
  bystander.bus.consume([on(UserCreatedSchema, () => void bystanderSaw++)]);
  const id = await user.bus.events.publish(UserCreatedSchema, { userId: newId() });
  const letters = openDeadLetters(other.nats);
  const letterId = `security.user_created.${id}`;
  await until(async () => expect(await letters.get(letterId)).toBeDefined());
  const letter = await letters.get(letterId);
  expect(letter).toMatchObject({
    service: "security",
    consumer: "user_created",
    eventId: id,
    subject: "events.user.created",
    type: "user.v1.UserCreated",
    error: "the shelf is full",
    attempts: 3,
  });
  expect(letter?.stack).toContain("bus.test.ts");
  expect(letter?.traceparent).toMatch(/^00-/);
  expect(await letters.count("security")).toBe(1);

  broken = false;
  expect(await letters.replay(letterId)).toBe(true);
  await until(() => expect(seen.map((it) => it.id)).toEqual([id]));
  expect(await letters.list({ limit: 10 })).toMatchObject({ letters: [] });
  expect(await letters.replay(letterId)).toBe(false);
  expect(bystanderSaw).toBe(1);
});

test("what no attempt can mend is a dead letter at once", async () => {
  await using world = openWorld();
  const user = await world.instance("user", { publishes });
  const other = await world.instance("security");
  const letters = openDeadLetters(other.nats);
  const seen: string[] = [];
  other.bus.consume([
    on(UserCreatedSchema, ({ userId }) => {
      seen.push(userId);
      if (seen.length === 1) throw fail.invalid("no_such_thing", "this is none");
    }),
  ]);
  await user.bus.events.publish(UserCreatedSchema, { userId: "first" });
  await until(async () => expect(await letters.count("security")).toBe(1));
  // And what is no event at all does not stick either.
  const garbage = { data: Uint8Array.of(255, 255, 255), subject: user.nats.subject("events.user.created") };
  user.nats.connection.publish(garbage.subject, garbage.data);
  await until(async () => expect(await letters.count("security")).toBe(2));
  await user.bus.events.publish(UserCreatedSchema, { userId: "second" });
  await until(() => expect(seen).toEqual(["first", "second"]));
  const { letters: all } = await letters.list({ service: "security", limit: 1 });
  expect(all).toHaveLength(1);
});

test("events of one aggregate come in order, by way of two instances and a failure", async () => {
  await using world = openWorld();
  const user = await world.instance("user", { publishes });
  const rival = await world.instance("user", { publishes });
  const users = Array.from({ length: 5 }, () => newId());
  const first = await world.instance("security");
  await first.db.sql`create table effects (position bigserial, user_id text, step text)`;
  let failures = 3;
  const consumer = () =>
    on(
      [UserCreatedSchema, UserUpdatedSchema, UserDeletedSchema],
      async (message, { tx }) => {
        if (message.$typeName === "user.v1.UserUpdated" && message.fields[0] === "7" && failures-- > 0) {
          throw new Error("not yet");
        }
        const step = message.$typeName === "user.v1.UserUpdated" ? message.fields[0] : message.$typeName;
        await tx`insert into effects (user_id, step) values (${message.userId}, ${step ?? ""})`;
      },
      { name: "history", ordered: true, backoffMs: 20 },
    );
  first.bus.consume([consumer()]);
  const publishAll = async (from: number, to: number) => {
    for (let step = from; step < to; step++) {
      const by = step % 2 === 0 ? user : rival;
      await Promise.all(
        users.map((userId) =>
          by.db.transaction(async (tx) => {
            await by.bus.events.publish(UserUpdatedSchema, { userId, fields: [String(step)] }, tx);
          }),
        ),
      );
    }
  };
  const count = async (instance: typeof first) => (await instance.db.sql`select 1 from effects`).length;
  await publishAll(0, 20);
  await until(async () => expect(await count(first)).toBeGreaterThan(30));
  const second = await world.instance("security");
  second.bus.consume([consumer()]);
  await first.stop();
  await publishAll(20, 40);
  await until(async () => expect(await count(second)).toBe(200));
  for (const userId of users) {
    const rows = await second.db.sql<{ step: string }[]>`
      select step from effects where user_id = ${userId} order by position`;
    expect(rows.map(({ step }) => Number(step))).toEqual(Array.from({ length: 40 }, (_, at) => at));
  }
});

test("a service without a database publishes when it is told to", async () => {
  await using world = openWorld();
  const user = await world.instance("user", { publishes, withoutDatabase: true });
  const other = await world.instance("security", { withoutDatabase: true });
  const seen: string[] = [];
  other.bus.consume([on(UserCreatedSchema, ({ userId }) => void seen.push(userId))]);
  await user.bus.events.publish(UserCreatedSchema, { userId: "a" });
  await until(() => expect(seen).toEqual(["a"]));
  await expect(user.bus.events.publish(UserUpdatedSchema, { userId: "a" })).resolves.toBeDefined();
});

test("a service publishes only what it says it does", async () => {
  await using world = openWorld();
  const user = await world.instance("user", { publishes: [UserCreatedSchema] });
  await expect(user.bus.events.publish(UserDeletedSchema, { userId: "a" })).rejects.toThrow("publishes");
});

test("an instance that stops hands back what it has not begun", async () => {
  await using world = openWorld();
  const user = await world.instance("user", { publishes });
  const first = await world.instance("security");
  const begun: string[] = [];
  const gate = Promise.withResolvers<void>();
  first.bus.consume([
    on(
      UserCreatedSchema,
      async ({ userId }) => {
        begun.push(userId);
        await gate.promise;
      },
      { concurrency: 2 },
    ),
  ]);
  for (let at = 0; at < 10; at++) await user.bus.events.publish(UserCreatedSchema, { userId: String(at) });
  await until(() => expect(begun).toHaveLength(2));
  const stopping = first.stop();
  await sleep(50);
  gate.resolve();
  await stopping;
  expect(begun).toHaveLength(2);
  const second = await world.instance("security");
  const rest: string[] = [];
  second.bus.consume([on(UserCreatedSchema, ({ userId }) => void rest.push(userId))]);
  await until(() => expect(rest).toHaveLength(8));
  expect(new Set([...begun, ...rest]).size).toBe(10);
});

test("who listens is told what happens now", async () => {
  await using world = openWorld();
  const one = await world.instance("user", { withoutDatabase: true });
  const two = await world.instance("user", { withoutDatabase: true });
  const ending = new AbortController();
  const heard: string[] = [];
  const listening = (async () => {
    for await (const { userId } of two.bus.live.listen(UserCreatedSchema, {
      key: "me",
      signal: ending.signal,
    })) {
      heard.push(userId);
    }
  })();
  await two.nats.connection.flush();
  one.bus.live.send(UserCreatedSchema, { userId: "you" });
  one.bus.live.send(UserCreatedSchema, { userId: "me" });
  await until(() => expect(heard).toEqual(["me"]));
  ending.abort();
  await listening;
});
