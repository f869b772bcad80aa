import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { DeliverEmailSchema } from "#gen/notification/v1/jobs_pb.js";
import { Channel } from "#gen/notification/v1/notification_pb.js";
import { QueueService } from "#gen/queue/v1/queue_pb.js";
import type { NotificationWorld } from "./notification-world.ts";
import {
  admin,
  createNotificationWorld,
  eventually,
  refusal,
  service,
  userWith,
  words,
} from "./notification-world.ts";

let world: NotificationWorld;
beforeAll(async () => {
  world = await createNotificationWorld({ env: { NOTIFICATION_VAPID_PUBLIC_KEY: "" } });
});
afterEach(() => {
  world.sandbox.reset();
  world.directory.down = false;
});
afterAll(() => world[Symbol.asyncDispose]());

const { EMAIL, SMS, PUSH, IN_APP } = Channel;

describe("what is sent", () => {
  test("goes by e-mail and into the list, unless somebody says otherwise", async () => {
    const ama = world.person();
    const { notification, deliveries } = await world.send(ama, { link: "/orders/1" });
    expect(notification).toMatchObject({ userId: ama.id, subject: "Hello 🧺", read: false });
    expect(deliveries).toHaveLength(2);
    await world.becomes(notification!.id, ["EMAIL SENT", "IN_APP DELIVERED"]);
    expect(world.mails(ama)).toMatchObject([{ subject: "Hello 🧺", text: "How is كل شيء?" }]);
    const [email] = await world.deliveries(notification!.id);
    expect(email).toMatchObject({ provider: "smtp", attempts: 1 });
    expect(email?.answer).toMatch(/^250 /);
    expect(await world.told(notification!.id)).toEqual(["sent IN_APP in_app", "sent EMAIL smtp"]);
  });

  test("says in whose name it speaks, each way", async () => {
    const ama = world.person({ phone: "+233200000042" });
    const voice = 'Kofi\n"Pots" <x@evil.example>';
    const { notification } = await world.send(ama, { voice, channels: [EMAIL, SMS, IN_APP] });
    const shown = 'Kofi "Pots" <x@evil.example>';
    expect(notification?.voice).toBe(shown);
    await world.becomes(notification!.id, ["EMAIL SENT", "SMS SENT", "IN_APP DELIVERED"]);
    const [mail] = world.mails(ama);
    expect(mail?.from).toMatch(/^"Kofi \\"Pots\\" <x@evil\.example> via Weft" <weft@sandbox\.example>$/);
    expect(world.sandbox.messages("+233200000042")).toMatchObject([{ text: `${shown}: How is كل شيء?` }]);
    await world.becomes((await world.send(ama)).notification!.id, ["EMAIL SENT", "IN_APP DELIVERED"]);
    expect(world.mails(ama)[1]?.from).toBe("Weft <weft@sandbox.example>");
  });

  test("leads to the platform or over https, and nowhere else", async () => {
    const ama = world.person();
    for (const link of ["/", "/orders/1?from=mail#top", "https://example.com/a", ""]) {
      expect((await world.send(ama, { link })).notification?.link).toBe(link);
    }
    for (const link of [
      "javascript:alert(1)",
      "data:text/html,x",
      "http://example.com",
      "//evil.example/x",
      "/\\evil.example",
      "/\t/evil.example",
      "orders/1",
      " /orders",
      "/a b",
    ]) {
      expect([link, await refusal(world.send(ama, { link }))]).toMatchObject([
        link,
        { code: "InvalidArgument", reason: "contract_violation" },
      ]);
    }
  });

  test("goes as a text message to the telephone of the profile", async () => {
    const ama = world.person({ phone: "+233201234567" });
    const { notification } = await world.send(ama, { channels: [SMS] });
    await world.becomes(notification!.id, ["SMS SENT"]);
    expect(world.sandbox.messages("+233201234567")).toMatchObject([{ text: "How is كل شيء?" }]);
    expect(await world.list(ama)).toEqual([]);
  });

  test("is skipped where there is no address and where nothing is configured", async () => {
    const { notification } = await world.send(world.person(), { channels: [SMS, PUSH] });
    await world.becomes(notification!.id, ["SMS SKIPPED no_address", "PUSH SKIPPED not_configured"]);
    const told = (await world.told(notification!.id)).sort();
    expect(told).toEqual(["failed PUSH not_configured", "failed SMS no_address"]);
  });

  test("is for users that there are", async () => {
    expect(await refusal(world.send(userWith()))).toMatchObject({ reason: "recipient_not_found" });
  });

  test("may be sent by services and by those who are allowed to", async () => {
    const ama = world.person();
    const caller = { user: userWith("notification:send") };
    expect((await world.send(ama, {}, { caller })).notification?.id).toBeTruthy();
    expect(await refusal(world.send(ama, {}, { caller: { user: ama } }))).toMatchObject({
      code: "PermissionDenied",
    });
  });

  test("stands in the queue without a word of its own", async () => {
    const ama = world.person();
    const { notification } = await world.send(ama, { channels: [EMAIL] });
    await world.becomes(notification!.id, ["EMAIL SENT"]);
    const operator = world.host.client(QueueService, { caller: service("operator") });
    const { jobs } = await operator.listJobs({ type: DeliverEmailSchema.typeName });
    const shown = JSON.stringify(jobs, (_, it) => (typeof it === "bigint" ? `${it}` : it));
    expect(shown).not.toContain("Hello");
    expect(shown).not.toContain("@");
  });
});

describe("a request with a key", () => {
  test.each([
    ["of the header", (key: string) => [{}, { key }] as const],
    ["of a service's own", (idempotencyKey: string) => [{ idempotencyKey }, {}] as const],
  ])("%s is one, however often it comes", async (_, withKey) => {
    const ama = world.person();
    const [more, options] = withKey(`k-${ama.id}`);
    const all = await Promise.all(Array.from({ length: 8 }, () => world.send(ama, more, options)));
    expect(new Set(all.map(({ notification }) => notification!.id)).size).toBe(1);
    await world.becomes(all[0]!.notification!.id, ["EMAIL SENT", "IN_APP DELIVERED"]);
    expect(await world.list(ama)).toHaveLength(1);
    expect(world.mails(ama)).toHaveLength(1);
    expect(await refusal(world.send(ama, { ...more, content: words("Other") }, options))).toMatchObject({
      reason: "idempotency_key_reused",
    });
    const elsewhere = await world.send(ama, more, { ...options, caller: service("payment") });
    expect(elsewhere.notification!.id).not.toBe(all[0]!.notification!.id);
  });

  test("is answered while the user service is away, if it was before", async () => {
    const ama = world.person();
    const first = await world.send(ama, {}, { key: ama.id });
    world.directory.down = true;
    const again = await world.send(ama, {}, { key: ama.id });
    expect(again.notification?.id).toBe(first.notification?.id);
    expect(await refusal(world.send(ama))).toMatchObject({ code: "Aborted" });
  });
});

describe("a provider", () => {
  test("that refuses for good ends it", async () => {
    const ama = world.person({ email: "bounce@example.com" });
    const { notification } = await world.send(ama, { channels: [EMAIL] });
    await world.becomes(notification!.id, ["EMAIL FAILED rejected"]);
    const [email] = await world.deliveries(notification!.id);
    expect(email).toMatchObject({ attempts: 1, provider: "smtp" });
    expect(email?.answer).toContain("no such mailbox");
    expect(await world.told(notification!.id)).toEqual(["failed EMAIL rejected"]);
  });

  test("that is busy is asked again", async () => {
    const ama = world.person({ email: "busy@example.com", phone: "+15005550009" });
    const { notification } = await world.send(ama, { channels: [EMAIL, SMS] });
    await world.becomes(notification!.id, ["EMAIL SENT", "SMS SENT"], 500);
    expect((await world.deliveries(notification!.id)).map(({ attempts }) => attempts)).toEqual([3, 3]);
    for (const to of ["busy@example.com", "+15005550009"]) {
      expect(world.sandbox.messages(to)).toHaveLength(1);
    }
  });

  test("that stays away fails it in the end, and an operator may try again", async () => {
    const ama = world.person();
    world.sandbox.setDown(true);
    const { notification } = await world.send(ama, { channels: [EMAIL] });
    await world.becomes(notification!.id, ["EMAIL FAILED provider_unavailable"], 10_000);
    expect(await world.told(notification!.id)).toEqual(["failed EMAIL provider_unavailable"]);
    world.sandbox.setDown(false);
    const operator = world.host.client(QueueService, { caller: service("operator") });
    await eventually(async () => {
      const { jobs } = await operator.listJobs({ type: DeliverEmailSchema.typeName, pageSize: 1 });
      return operator.retryJob({ id: jobs[0]!.id }).then(
        () => "retried",
        () => "not dead yet",
      );
    }).toBe("retried");
    await world.becomes(notification!.id, ["EMAIL SENT"]);
    expect(world.mails(ama)).toHaveLength(1);
  });

  test("is asked for the address as it is then", async () => {
    const ama = world.person();
    world.directory.asked = 0;
    const quiet = { start: "22:00", end: "07:00", timeZone: "UTC" };
    await world.preferences(ama).setQuietHours({ quietHours: quiet });
    world.clock.goTo("2031-01-15T23:00:00Z");
    const { notification } = await world.send(ama, { channels: [EMAIL] });
    world.people.set(ama.id, { email: "new@example.com" });
    world.clock.goTo("2031-01-16T07:00:30Z");
    await world.becomes(notification!.id, ["EMAIL SENT"]);
    expect(world.sandbox.messages("new@example.com")).toHaveLength(1);
  });
});

describe("the list", () => {
  test("is its user's, a page at a time, newest first", async () => {
    const ama = world.person();
    const sent: string[] = [];
    for (const subject of ["1", "2", "3", "4", "5"]) {
      const { notification } = await world.send(ama, { channels: [IN_APP], content: words(subject) });
      sent.unshift(notification!.id);
    }
    await world.send(world.person(), { channels: [IN_APP] });
    const seen: string[] = [];
    let pageToken = "";
    do {
      const request = { userId: ama.id, pageSize: 2, pageToken };
      const page = await world.of(ama).listNotifications(request);
      seen.push(...page.notifications.map(({ id }) => id));
      expect(page.unreadCount).toBe(5);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(seen).toEqual(sent);
  });

  test("tells what is read, and when that was first", async () => {
    const ama = world.person();
    const { notification } = await world.send(ama, { channels: [IN_APP] });
    await world.send(ama, { channels: [IN_APP] });
    const id = notification!.id;
    const first = await world.of(ama).markRead({ id });
    world.clock.pass(1000);
    const second = await world.of(ama).markRead({ id: id.toUpperCase() });
    expect(second.notification).toEqual(first.notification);
    const unread = await world.of(ama).listNotifications({ userId: ama.id, unread: true });
    expect(unread.notifications).toHaveLength(1);
    expect(unread.unreadCount).toBe(1);
  });

  test("does not exist for others", async () => {
    const [ama, kofi] = [world.person(), world.person()];
    const { notification } = await world.send(ama, { channels: [IN_APP] });
    const { id } = notification!;
    const as = world.of(kofi);
    expect(await refusal(as.listNotifications({ userId: ama.id }))).toMatchObject({ code: "NotFound" });
    expect(await refusal(as.markRead({ id }))).toMatchObject({ reason: "notification_not_found" });
    expect(await refusal(as.listDeliveries({ notificationId: id }))).toMatchObject({ code: "NotFound" });
    expect((await world.of(admin).listNotifications({ userId: ama.id })).notifications).toHaveLength(1);
  });
});
