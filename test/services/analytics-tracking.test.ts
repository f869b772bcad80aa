import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "#mesh";
import type { AnalyticsWorld } from "./analytics-world.ts";
import {
  admin,
  at,
  createAnalyticsWorld,
  dayMs,
  eventually,
  refusal,
  service,
  userWith,
} from "./analytics-world.ts";

let world: AnalyticsWorld;
beforeAll(async () => {
  world = await createAnalyticsWorld({ env: { ANALYTICS_TRACK_PER_MINUTE: "600" } });
  world.clock.goTo("2031-11-15T12:07:00Z");
});
afterAll(() => world[Symbol.asyncDispose]());

describe("what users track", () => {
  test("counts once, however often it is sent, also without a time", async () => {
    const user = userWith();
    const event = { id: newId(), name: "page_viewed", tags: ["Ghana", "ghana"], value: 2.5 };
    expect(await world.track(user, event)).toMatchObject({ counted: 1, known: 0 });
    world.clock.pass(60_000);
    expect(await world.track(user, event, event)).toMatchObject({ counted: 0, known: 2 });
    expect(await world.track(user, { ...event, id: event.id.toUpperCase() })).toMatchObject({ counted: 0 });
    // Nobody can take the id of another's.
    expect(await world.track(userWith(), event)).toMatchObject({ counted: 1 });
    expect(await world.counted("tracked.page_viewed")).toBe(2);
  });

  test("counts once when it is sent several times at the same moment", async () => {
    const user = userWith();
    const events = Array.from({ length: 20 }, () => ({ id: newId(), name: "raced" }));
    const answers = await Promise.all(Array.from({ length: 6 }, () => world.track(user, ...events)));
    expect(answers.reduce((all, { counted }) => all + counted, 0)).toBe(20);
    expect(await world.counted("tracked.raced")).toBe(20);
  });

  test("has an id, or sending it again would count it twice", async () => {
    const events = [{ name: "nameless" }];
    expect(await refusal(world.of(userWith()).trackEvents({ events }))).toMatchObject({
      code: "InvalidArgument",
    });
    const content = world.metrics(service("content"));
    expect(await refusal(content.trackEvent({ event: { name: "nameless" } }))).toMatchObject({
      code: "InvalidArgument",
    });
  });

  test("cannot be taken for what the platform counts", async () => {
    await world.track(userWith(), { name: "orders_paid" });
    const { dashboard } = await world.of(admin).getDashboard({ metrics: ["tracked.orders_paid"] });
    expect(dashboard!.metrics[0]!.count).toBe(1n);
    expect(await refusal(world.track(userWith(), { name: "tracked.orders_paid" }))).toMatchObject({
      code: "InvalidArgument",
    });
  });

  test("is no older than 30 days and not of the future", async () => {
    const user = userWith();
    const now = world.clock.now();
    for (const ms of [now - 31 * dayMs, now + 6 * 60_000, -1e15]) {
      expect(
        await refusal(world.track(user, { name: "a" }, { name: "b", occurredAt: at(ms) })),
      ).toMatchObject({
        code: "InvalidArgument",
        reason: "event_time_refused",
        metadata: { field: "events[1].occurred_at" },
      });
    }
    expect(await world.track(user, { name: "c", occurredAt: at(now - 29 * dayMs) })).toMatchObject({
      counted: 1,
    });
    expect(await refusal(world.track(user, { name: "d", subjectType: "post" }))).toMatchObject({
      reason: "subject_incomplete",
    });
    expect(await world.counted("tracked.a")).toBe(0);
  });

  test("is bounded by the minute", async () => {
    const user = userWith();
    // So that no minute ends in between.
    world.clock.pass(60_000 - (world.clock.now() % 60_000));
    const many = (count: number) => Array.from({ length: count }, () => ({ name: "busy" }));
    await world.track(user, ...many(400));
    expect(await refusal(world.track(user, ...many(300)))).toMatchObject({
      code: "ResourceExhausted",
      reason: "too_many_tracked_events",
    });
    expect(await world.track(user, ...many(200))).toMatchObject({ counted: 200 });
    expect(await world.track(userWith(), ...many(1))).toMatchObject({ counted: 1 });
    world.clock.pass(60_000);
    expect(await world.track(user, ...many(300))).toMatchObject({ counted: 300 });
    expect(await world.counted("tracked.busy")).toBe(901);
  });

  test("cannot make any number of names, subjects and tags", async () => {
    const user = userWith();
    const names = (from: number, count: number) =>
      Array.from({ length: count }, (_, n) => ({ name: `name_${from + n}` }));
    await world.track(user, ...names(0, 200));
    expect(await refusal(world.track(user, ...names(199, 2)))).toMatchObject({
      reason: "too_many_event_names",
    });
    const tagged = (from: number) =>
      Array.from({ length: 40 }, (_, n) => ({
        name: "name_1",
        tags: Array.from({ length: 30 }, (_, m) => `tag ${from} ${n} ${m}`),
      }));
    await world.track(user, ...tagged(0));
    expect(await refusal(world.track(user, ...tagged(1)))).toMatchObject({ reason: "too_many_event_tags" });
    const subjects = (from: number) =>
      Array.from({ length: 500 }, (_, n) => ({
        name: "name_1",
        subjectType: "post",
        subjectId: `${from + n}`,
      }));
    for (let from = 0; from < 5000; from += 500) {
      world.clock.pass(60_000);
      await world.track(user, ...subjects(from));
    }
    world.clock.pass(60_000);
    expect(await refusal(world.track(user, ...subjects(5000)))).toMatchObject({
      reason: "too_many_event_subjects",
    });
    world.clock.pass(dayMs);
    expect(await world.track(user, ...names(500, 3))).toMatchObject({ counted: 3 });
  });

  test("leaves nothing of what bounded it when that is over", async () => {
    await world.track(userWith(), { name: "bounded" });
    const left = async () =>
      (await world.sql`select 1 from tracked_minutes union all select 1 from tracked_keys`).length;
    expect(await left()).toBeGreaterThan(0);
    world.clock.pass(3 * dayMs);
    await eventually(left).toBe(0);
  });

  test("that waits for its turn leaves connections to whoever asks for figures", async () => {
    const release = await world.holdFigures();
    const tracked = Array.from({ length: 30 }, () => world.track(userWith(), { name: "crowded" }));
    await Promise.all(Array.from({ length: 5 }, () => world.of(admin).getDashboard({})));
    await release();
    await Promise.all(tracked);
    expect(await world.counted("tracked.crowded")).toBe(30);
  });

  test("has subjects whose ids keep their case, but for UUIDs", async () => {
    const [user, id] = [userWith(), newId()];
    for (const subjectId of ["AbC", id.toUpperCase()]) {
      await world.track(user, { name: "cased", subjectType: "video", subjectId });
    }
    const rows = await world.sql`select subject_id from facts where user_id = ${user.id} order by id`;
    expect(rows.map((it) => it.subject_id).sort()).toEqual([id, "AbC"].sort());
  });

  test("may be in any script; what a database has no room for is replaced", async () => {
    const user = userWith();
    const [tag, text] = ["كل🧺", "a\0b\ud800"];
    await world.track(user, { name: "odd", tags: [tag], properties: { words: text } });
    const [row] = await world.sql`select tags, properties from facts where user_id = ${user.id}`;
    expect(row).toMatchObject({ tags: [tag], properties: { words: "a\ufffdb\ufffd" } });
  });
});
