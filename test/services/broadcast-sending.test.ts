import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { NotificationFailedSchema, NotificationSentSchema } from "#gen/notification/v1/events_pb.js";
import { Channel, DeliveryStatus } from "#gen/notification/v1/notification_pb.js";
import { fail } from "#mesh";
import type { BroadcastWorld } from "./broadcast-world.ts";
import { admin, createBroadcastWorld, eventually } from "./broadcast-world.ts";

let world: BroadcastWorld;
beforeAll(async () => {
  world = await createBroadcastWorld();
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => world.mend());

/** Calls of the notification service that wait until they are let go. */
function gate() {
  const opened = Promise.withResolvers<void>();
  let arrived = 0;
  world.post.before = async () => {
    arrived++;
    await opened.promise;
  };
  return { open: () => opened.resolve(), arrived: () => arrived };
}

describe("speed", () => {
  test("is that of the broadcast, over all instances", async () => {
    world.clock.frozenAt = Date.now();
    await world.startReplica();
    world.crowd(60);
    const fromMs = world.clock.now();
    const times: number[] = [];
    world.post.before = async () => void times.push(world.clock.now() - fromMs);
    const id = await world.send(admin, { perSecond: 20 });
    await world.becomes(id, "COMPLETED", 25);
    // A quarter of a second's worth, each quarter of a second.
    for (const [at, ms] of times.entries()) expect(ms).toBeGreaterThanOrEqual(Math.floor(at / 5) * 250);
    expect(world.post.calls).toBe(60);
  });

  test("never has more than a few calls at the same time", async () => {
    world.crowd(200);
    const letThrough = gate();
    const id = await world.send(admin, { perSecond: 1000 });
    await eventually(letThrough.arrived).toBeGreaterThanOrEqual(16);
    letThrough.open();
    await world.becomes(id, "COMPLETED");
    // Of two instances: the other tests' one is still there.
    expect(world.post.mostAtOnce).toBeLessThanOrEqual(32);
    expect(world.post.calls).toBe(200);
  });
});

describe("a broadcast that is being sent", () => {
  test("is paused within a chunk, and goes on where it was", async () => {
    const people = world.crowd(60);
    world.clock.frozenAt = Date.now();
    const letThrough = gate();
    const id = await world.send(admin, { perSecond: 40 });
    await eventually(letThrough.arrived).toBe(10);
    await world.of(admin).pauseBroadcast({ id });
    letThrough.open();
    await world.reaches(id, [60, 50, 10, 0, 0]);
    world.clock.pass(60_000);
    // Whoever does that one has looked at this one too.
    const other = await world.send(admin, { segment: { userIds: people.slice(0, 1) } });
    await world.becomes(other, "COMPLETED");
    expect(await world.stats(id)).toEqual([60, 50, 10, 0, 0]);
    expect(await world.status(id)).toBe("PAUSED");
    await world.of(admin).resumeBroadcast({ id });
    await world.of(admin).resumeBroadcast({ id });
    await world.becomes(id, "COMPLETED", 250);
    expect(world.post.recipients()).toEqual([people[0], ...people]);
    expect(world.post.calls).toBe(61);
  });

  test("ends, when it is cancelled, as soon as nobody is on the way", async () => {
    world.crowd(30);
    const letThrough = gate();
    const id = await world.send(admin, { perSecond: 40 });
    await eventually(letThrough.arrived).toBeGreaterThanOrEqual(10);
    const { broadcast } = await world.of(admin).cancelBroadcast({ id });
    await world.of(admin).cancelBroadcast({ id });
    expect(await world.status(id)).toBe("CANCELLED");
    expect(broadcast?.finishedAt).toBeUndefined();
    expect(await world.told(id)).toEqual(["started 30"]);
    letThrough.open();
    await eventually(async () => (await world.get(id)).finishedAt).toBeDefined();
    const [, waiting, sent, , skipped] = await world.stats(id);
    expect([waiting, sent! + skipped!]).toEqual([0, 30]);
    expect(world.post.made.size).toBe(sent);
    expect(await world.told(id)).toEqual(["started 30", `cancelled ${sent} 0 ${skipped}`]);
    const shown = await world.recipients(id);
    expect(shown.filter((it) => it.endsWith("SKIPPED cancelled"))).toHaveLength(skipped!);
  });

  test("gets past what is away for a while, and tells of it meanwhile", async () => {
    const people = world.crowd(3);
    world.post.before = async () => {
      throw fail.exhausted("busy", "the notification service has too much to do");
    };
    const retried = () => world.metric("weft_broadcast_recipients_total", { outcome: "retried" });
    // Tests before this one may have been turned away, too.
    const before = await retried();
    const id = await world.send(admin, { perSecond: 1000 });
    await eventually(retried).toBeGreaterThan(before);
    await world.becomes(id, "SENDING");
    await eventually(async () => {
      world.clock.pass(60_000);
      return (await world.health())?.status;
    }).not.toBe("healthy");
    world.post.before = async () => {};
    await world.becomes(id, "COMPLETED", 10_000);
    expect(world.post.recipients()).toEqual(people);
    expect(await world.stats(id)).toEqual([3, 0, 3, 0, 0]);
  });

  test("gives up on somebody for whom it breaks again and again, and on nobody else", async () => {
    const people = world.crowd(3);
    world.post.before = async ({ userId }) => {
      if (userId === people[0]) throw new Error("it broke");
    };
    const id = await world.send(admin, { perSecond: 1000 });
    await world.becomes(id, "COMPLETED", 10_000);
    expect(await world.recipients(id)).toEqual([
      `${people[0]} FAILED internal`,
      `${people[1]} SENT`,
      `${people[2]} SENT`,
    ]);
  });
});

test("somebody who was tried often, as the others were, is not given up when it breaks once", async () => {
  const [ama] = world.crowd(1) as [string];
  let calls = 0;
  world.post.before = async () => {
    calls++;
    if (calls <= 6) throw fail.exhausted("busy", "the notification service has too much to do");
    if (calls <= 10) throw new Error("it broke");
  };
  const id = await world.send(admin, { perSecond: 1000 });
  await world.becomes(id, "COMPLETED", 10_000);
  expect(await world.recipients(id)).toEqual([`${ama} SENT`]);
});

describe("what is refused", () => {
  const noTemplate = () => fail.notFound("template_not_found", "no template is named sale");

  test("pauses the broadcast with its reason, and nobody is lost once it is mended", async () => {
    const people = world.crowd(20);
    world.post.before = async () => {
      throw noTemplate();
    };
    const id = await world.send(admin, { perSecond: 40 });
    await world.becomes(id, "PAUSED");
    expect((await world.get(id)).reason).toBe("template_not_found");
    expect(await world.stats(id)).toEqual([20, 20, 0, 0, 0]);
    world.post.before = async () => {};
    await world.of(admin).resumeBroadcast({ id });
    expect((await world.get(id)).reason).toBe("");
    await world.becomes(id, "COMPLETED", 250);
    expect(world.post.recipients()).toEqual(people);
  });

  test("fails those for whom it is still refused when the broadcast is resumed", async () => {
    const people = world.crowd(3);
    world.post.before = async ({ userId }) => {
      if (userId === people[1]) throw noTemplate();
    };
    const id = await world.send(admin, { perSecond: 1000 });
    await world.becomes(id, "PAUSED");
    await world.of(admin).resumeBroadcast({ id });
    await world.becomes(id, "COMPLETED", 250);
    expect(await world.recipients(id)).toEqual([
      `${people[0]} SENT`,
      `${people[1]} FAILED template_not_found`,
      `${people[2]} SENT`,
    ]);
    expect(await world.told(id)).toEqual(["started 3", "completed 2 1 0"]);
  });
});

describe("what becomes of notifications", () => {
  const about = (userId: string) => ({
    notificationId: world.post.idFor(userId),
    userId,
    topic: "news",
    channel: Channel.EMAIL,
  });
  const failed = (userId: string, reason = "rejected") =>
    world.tellNotification(NotificationFailedSchema, { ...about(userId), reason });
  const sent = (userId: string) => world.tellNotification(NotificationSentSchema, about(userId));

  test("corrects recipients after they were taken on, and one channel that arrives is enough", async () => {
    const [ama, kofi, esi, yaw] = world.crowd(4) as [string, string, string, string];
    const id = await world.send(admin, { perSecond: 1000 });
    await world.becomes(id, "COMPLETED");
    await failed(ama);
    await eventually(() => world.stats(id)).toEqual([4, 0, 3, 1, 0]);
    await failed(kofi);
    await eventually(() => world.stats(id)).toEqual([4, 0, 2, 2, 0]);
    await sent(kofi);
    await eventually(() => world.stats(id)).toEqual([4, 0, 3, 1, 0]);
    await sent(esi);
    await failed(esi);
    await failed(yaw, "no_address");
    await eventually(() => world.recipients(id)).toEqual([
      `${ama} FAILED rejected`,
      `${kofi} SENT`,
      `${esi} SENT`,
      `${yaw} FAILED no_address`,
    ]);
    expect(await world.stats(id)).toEqual([4, 0, 2, 2, 0]);
    // What was told when it was completed stays told.
    expect(await world.told(id)).toEqual(["started 4", "completed 4 0 0"]);
  });

  test("may be told before the answer that names them is written", async () => {
    const [ama, kofi] = world.crowd(2) as [string, string];
    const letAnswer = Promise.withResolvers<void>();
    world.post.after = () => letAnswer.promise;
    const id = await world.send(admin, { perSecond: 1000 });
    await eventually(() => world.post.made.size).toBe(2);
    await failed(ama);
    await failed(kofi);
    await sent(kofi);
    const early = async () =>
      (await world.sql`select arrived from early_news order by arrived`).map(({ arrived }) => arrived);
    await eventually(early).toEqual([false, true]);
    letAnswer.resolve();
    await world.becomes(id, "COMPLETED");
    expect(await world.recipients(id)).toEqual([`${ama} FAILED rejected`, `${kofi} SENT`]);
    expect(await early()).toEqual([]);
    expect(await world.told(id)).toEqual(["started 2", "completed 1 1 0"]);
  });

  test("of others is passed over", async () => {
    const [ama] = world.crowd(1) as [string];
    const id = await world.send(admin, { perSecond: 1000 });
    await world.becomes(id, "COMPLETED");
    const other = { ...about(ama), notificationId: "019aa0b6-7a5c-7000-8000-00000000ad99" };
    await world.tellNotification(NotificationFailedSchema, { ...other, reason: "rejected" });
    await world.tellNotification(NotificationFailedSchema, { ...about(ama), reason: "rejected" });
    await eventually(() => world.stats(id)).toEqual([1, 0, 0, 1, 0]);
    expect(await world.sql`select 1 from early_news`).toHaveLength(0);
  });

  test("is not kept for those who waited for a broadcast that is over", async () => {
    const [ama] = world.crowd(1) as [string];
    world.post.before = async () => {
      throw fail.exhausted("busy", "the notification service has too much to do");
    };
    const id = await world.send(admin, { perSecond: 1000 });
    const retried = () => world.metric("weft_broadcast_recipients_total", { outcome: "retried" });
    const before = await retried();
    await eventually(retried).toBeGreaterThan(before);
    await world.of(admin).cancelBroadcast({ id });
    await eventually(async () => (await world.get(id)).finishedAt).toBeDefined();
    world.post.before = async () => {};
    const other = await world.send(admin, { perSecond: 1000 });
    await world.becomes(other, "COMPLETED");
    const notificationId = "019aa0b6-7a5c-7000-8000-00000000ad98";
    await world.tellNotification(NotificationFailedSchema, { ...about(ama), notificationId });
    await failed(ama);
    await eventually(() => world.stats(other)).toEqual([1, 0, 0, 1, 0]);
    expect(await world.sql`select 1 from early_news`).toHaveLength(0);
  });

  test("is known from the answer when nothing is sent", async () => {
    const [ama, kofi, esi] = world.crowd(3) as [string, string, string];
    world.post.deliveries = ({ userId }) => {
      if (userId === ama)
        return [{ channel: Channel.EMAIL, status: DeliveryStatus.SKIPPED, reason: "not_wanted" }];
      if (userId === kofi) return [];
      return [{ channel: Channel.EMAIL, status: DeliveryStatus.HELD, reason: "quiet_hours" }];
    };
    const id = await world.send(admin, { perSecond: 1000 });
    await world.becomes(id, "COMPLETED");
    expect(await world.recipients(id)).toEqual([
      `${ama} SKIPPED not_wanted`,
      `${kofi} SKIPPED not_wanted`,
      `${esi} SENT`,
    ]);
  });
});
