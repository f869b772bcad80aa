import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { HttpBody } from "#gen/google/api/httpbody_pb.js";
import { Channel } from "#gen/notification/v1/notification_pb.js";
import { Digest, PreferenceService } from "#gen/notification/v1/preferences_pb.js";
import type { UserIdentity } from "#mesh";
import type { NotificationWorld } from "./notification-world.ts";
import { createNotificationWorld, eventually, refusal, template, words } from "./notification-world.ts";

let world: NotificationWorld;
beforeAll(async () => {
  world = await createNotificationWorld({ env: { NOTIFICATION_PUBLIC_URL: "https://shop.example.com" } });
});
afterEach(() => world.sandbox.reset());
afterAll(() => world[Symbol.asyncDispose]());

const { EMAIL, SMS, IN_APP } = Channel;

describe("a user's wishes", () => {
  test("decide where a topic goes, one's own before the default", async () => {
    const ama = world.person({ phone: "+233201234567" });
    const mine = world.preferences(ama);
    await mine.setTopic({ topic: { topic: "default", channels: [SMS] } });
    await mine.setTopic({ topic: { topic: "orders", channels: [IN_APP] } });
    const news = await world.send(ama);
    await world.becomes(news.notification!.id, ["SMS SENT"]);
    const order = await world.send(ama, { topic: "orders", channels: [EMAIL, IN_APP] });
    await world.becomes(order.notification!.id, ["EMAIL SKIPPED not_wanted", "IN_APP DELIVERED"]);
    await mine.resetTopic({ topic: "default" });
    const { topics } = await mine.getPreferences({});
    expect(topics).toMatchObject([{ topic: "orders", channels: [IN_APP], digest: Digest.UNSPECIFIED }]);
  });

  test("end a topic, but not what is urgent", async () => {
    const ama = world.person();
    await world.preferences(ama).setTopic({ topic: { topic: "news", channels: [] } });
    const none = await world.send(ama);
    expect(none.deliveries).toEqual([]);
    expect(await world.list(ama)).toEqual([]);
    const urgent = await world.send(ama, { urgent: true });
    await world.becomes(urgent.notification!.id, ["EMAIL SENT", "IN_APP DELIVERED"]);
  });

  test("are one's own, and make sense", async () => {
    const mine = world.preferences(world.person());
    const hours = (start: string, end: string, timeZone: string) =>
      refusal(mine.setQuietHours({ quietHours: { start, end, timeZone } }));
    expect(await hours("22:00", "07:00", "Mars/Olympus")).toMatchObject({ reason: "bad_time_zone" });
    expect(await hours("22:00", "22:00", "UTC")).toMatchObject({ reason: "quiet_hours_empty" });
    expect(await hours("24:00", "07:00", "UTC")).toMatchObject({ code: "InvalidArgument" });
  });

  test("hold mail in quiet hours until these are over, there where the user is", async () => {
    const ama = world.person();
    const quietHours = { start: "22:00", end: "07:00", timeZone: "America/New_York" };
    await world.preferences(ama).setQuietHours({ quietHours });
    world.clock.goTo("2031-01-15T03:30:00Z");
    const { notification } = await world.send(ama);
    const urgent = await world.send(ama, { urgent: true });
    await world.becomes(urgent.notification!.id, ["EMAIL SENT", "IN_APP DELIVERED"]);
    const { id } = notification!;
    expect(await world.statuses(id)).toEqual(["EMAIL HELD quiet_hours", "IN_APP DELIVERED"]);
    const [held] = await world.deliveries(id);
    expect(Number(held?.heldUntil?.seconds)).toBe(Date.parse("2031-01-15T12:00:00Z") / 1000);
    expect(world.mails(ama)).toHaveLength(1);
    world.clock.goTo("2031-01-15T12:00:01Z");
    await world.becomes(id, ["EMAIL SENT", "IN_APP DELIVERED"]);
    expect(world.mails(ama)).toHaveLength(2);
    await world.preferences(ama).clearQuietHours({});
    expect((await world.preferences(ama).getPreferences({})).quietHours).toBeUndefined();
  });

  test.each([
    ["day", Digest.DAILY, "2031-02-06T08:00:00Z"],
    ["week", Digest.WEEKLY, "2031-02-10T08:00:00Z"],
  ])("put the e-mails of a %s into one", async (_, digest, due) => {
    const ama = world.person({ timeZone: "Africa/Accra" });
    await world.preferences(ama).setTopic({ topic: { topic: "news", channels: [EMAIL, IN_APP], digest } });
    world.clock.goTo("2031-02-05T09:00:00Z");
    const sent = [];
    for (const name of ["One", "Two", "Three"]) {
      sent.push((await world.send(ama, { content: words(name, `text of ${name}`) })).notification!.id);
    }
    for (const id of sent)
      expect(await world.statuses(id)).toEqual(["EMAIL HELD digest", "IN_APP DELIVERED"]);
    world.clock.goTo(due);
    world.clock.pass(1000);
    for (const id of sent) await world.becomes(id, ["EMAIL SENT", "IN_APP DELIVERED"]);
    expect(world.mails(ama)).toHaveLength(1);
    expect(world.mails(ama)[0]?.subject).toBe("3 notifications");
    for (const name of ["One", "Two", "Three"])
      expect(world.mails(ama)[0]?.text).toContain(`text of ${name}`);
    for (const id of sent) expect(await world.told(id)).toEqual(["sent IN_APP in_app", "sent EMAIL smtp"]);
  });
});

describe("templates", () => {
  const manager = () => world.templates();
  const variant = (language: string, subject: string, more: object = {}) => ({
    language,
    subject,
    text: "Dear {{name}}",
    html: "<p>{{ name }}</p>",
    ...more,
  });

  test("speak the language of the user, or one near it", async () => {
    const variants = [variant("en", "Hello"), variant("fr", "Bonjour"), variant("fr-CA", "Allô")];
    await manager().createTemplate({ template: { name: "greeting", variants } });
    const subjectFor = async (locale: string) => {
      const content = template("greeting", { name: "Ama" });
      const { notification } = await world.send(world.person({ locale }), { content, channels: [IN_APP] });
      return notification!.subject;
    };
    expect(await subjectFor("fr-CA")).toBe("Allô");
    expect(await subjectFor("FR-ci")).toBe("Bonjour");
    expect(await subjectFor("tw")).toBe("Hello");
    expect(await subjectFor("")).toBe("Hello");
  });

  test("escape what they are given where that could be HTML", async () => {
    await manager().createTemplate({
      template: { name: "escaped", variants: [variant("en", "Hi {{name}}")] },
    });
    const ama = world.person();
    const name = `<img src=x onerror="x('&')">\r\nBcc: all@example.com`;
    const { notification } = await world.send(ama, { content: template("escaped", { name }) });
    await world.becomes(notification!.id, ["EMAIL SENT", "IN_APP DELIVERED"]);
    const [mail] = world.mails(ama);
    expect(mail?.text).toContain(`<img src=x onerror="x('&')">`);
    expect(mail?.html).toContain("&lt;img src=x onerror=&quot;x(&#39;&amp;&#39;)&quot;&gt;");
    expect(mail?.subject).toBe(`Hi <img src=x onerror="x('&')"> Bcc: all@example.com`);
    expect(world.sandbox.messages("all@example.com")).toEqual([]);
  });

  test("name what is missing and what they do not know", async () => {
    const both = variant("en", "{{a}} {{b}}", { text: "t", html: "" });
    await manager().createTemplate({ template: { name: "strict", variants: [both] } });
    const sent = (variables: Record<string, string>) =>
      refusal(world.send(world.person(), { content: template("strict", variables) }));
    expect(await sent({ a: "1" })).toMatchObject({
      reason: "template_variables_missing",
      metadata: { names: "b" },
    });
    expect(await sent({ a: "1", b: "2", d: "4", c: "3" })).toMatchObject({
      reason: "template_variables_unknown",
      metadata: { names: "c,d" },
    });
    const preview = await manager().previewTemplate({ name: "strict", variables: { a: "x", b: "<y>" } });
    expect(preview).toMatchObject({ language: "en", subject: "x <y>" });
    expect(await refusal(world.send(world.person(), { content: template("nothing") }))).toMatchObject({
      reason: "template_not_found",
    });
  });

  test("are made, changed, listed and dropped by who may", async () => {
    const as = manager();
    const made = await as.createTemplate({ template: { name: "a.first", variants: [variant("en", "1")] } });
    expect(made.template).toMatchObject({ builtIn: false, variables: ["name"] });
    const again = as.createTemplate({ template: { name: "a.first", variants: [variant("en", "2")] } });
    expect(await refusal(again)).toMatchObject({ reason: "template_exists" });
    await as.updateTemplate({ template: { name: "a.first", variants: [variant("sw", "3")] } });
    const page = await as.listTemplates({ pageSize: 1 });
    expect(page.templates).toMatchObject([{ name: "a.first", variants: [{ language: "sw", subject: "3" }] }]);
    const next = await as.listTemplates({ pageToken: page.nextPageToken });
    expect(next.templates.map(({ name }) => name)).toContain("order_confirmed");
    await as.deleteTemplate({ name: "a.first" });
    expect(await refusal(as.getTemplate({ name: "a.first" }))).toMatchObject({ code: "NotFound" });
    const stranger = world.templates(world.person());
    expect(await refusal(stranger.listTemplates({}))).toMatchObject({ code: "PermissionDenied" });
  });

  test("of the platform may be reworded, and neither dropped nor given what it does not know", async () => {
    const as = manager();
    expect(await refusal(as.deleteTemplate({ name: "low_stock" }))).toMatchObject({
      reason: "template_built_in",
    });
    const update = (subject: string, text: string) =>
      as.updateTemplate({ template: { name: "low_stock", variants: [{ language: "en", subject, text }] } });
    expect(await refusal(update("{{price}}", "t"))).toMatchObject({ reason: "template_variables_unknown" });
    expect((await update("Reorder", "Soon")).template?.builtIn).toBe(true);
    expect(await refusal(update("{{ oops", "t"))).toMatchObject({ reason: "template_malformed" });
    const twice = [variant("en", "1"), variant("EN", "2")];
    expect(await refusal(as.createTemplate({ template: { name: "twice", variants: twice } }))).toMatchObject({
      reason: "template_language_twice",
    });
  });
});

test("wishes of an account that is gone are not kept", async () => {
  const ama = world.person();
  const { UserDeletedSchema } = await import("#gen/user/v1/events_pb.js");
  await world.tell.user(UserDeletedSchema, { userId: ama.id });
  const mine = world.preferences(ama);
  await eventually(async () =>
    mine.setTopic({ topic: { topic: "news", channels: [] } }).then(
      () => "kept",
      () => "refused",
    ),
  ).toBe("refused");
});

describe("the link in an e-mail", () => {
  const page = async (answer: Promise<{ page?: HttpBody | undefined }>) => {
    const { data, contentType } = (await answer).page!;
    return `${contentType} ${Buffer.from(data).toString()}`;
  };
  const linkTo = async (user: UserIdentity) => {
    await eventually(() => world.mails(user).length).toBe(1);
    const [mail] = world.mails(user);
    expect(mail?.text).toContain(mail?.unsubscribe);
    return mail?.unsubscribe ?? "";
  };
  const tokenIn = (link: string) => link.slice(link.lastIndexOf("/") + 1);

  test("ends e-mails of its topic without signing in, once somebody says so", async () => {
    const ama = world.person({ locale: "fr" });
    await world.send(ama);
    const link = await linkTo(ama);
    expect(link).toMatch(/^https:\/\/shop\.example\.com\/api\/v1\/notifications\/unsubscribe\/[\w.-]+$/);
    expect(world.mails(ama)[0]?.text).toContain("Se désabonner: ");
    const anybody = world.host.client(PreferenceService);
    const token = tokenIn(link);
    expect(await page(anybody.askUnsubscribe({ token }))).toMatch(/^text\/html.*news.*method="post"/s);
    expect((await world.preferences(ama).getPreferences({})).topics).toEqual([]);
    const body = {
      contentType: "application/x-www-form-urlencoded",
      data: Buffer.from("List-Unsubscribe=One-Click"),
    };
    for (let click = 0; click < 2; click++) {
      expect(await page(anybody.endEmails({ token, body }))).toContain("no more e-mails about <b>news</b>");
    }
    const { topics } = await world.preferences(ama).getPreferences({});
    expect(topics).toMatchObject([{ topic: "news", channels: [IN_APP], digest: Digest.UNSPECIFIED }]);
    const { notification } = await world.send(ama);
    await world.becomes(notification!.id, ["IN_APP DELIVERED"]);
  });

  test("is of nobody else, and cannot be made up", async () => {
    const ama = world.person();
    await world.send(ama);
    const token = tokenIn(await linkTo(ama));
    const anybody = world.host.client(PreferenceService);
    const forged = [
      token.replace(ama.id, world.person().id),
      token.replace(".news.", ".orders."),
      token.slice(0, -1),
      `${token.slice(0, -2)}AA`,
      "",
      "\0",
    ];
    for (const it of forged) {
      expect(await refusal(anybody.endEmails({ token: it })), it).toMatchObject({
        code: "NotFound",
        reason: "bad_unsubscribe_link",
      });
    }
  });
});
