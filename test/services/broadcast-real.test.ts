import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Channel, NotificationService } from "#gen/notification/v1/notification_pb.js";
import { PreferenceService } from "#gen/notification/v1/preferences_pb.js";
import { TemplateService } from "#gen/notification/v1/templates_pb.js";
import { newId } from "#mesh";
import type { BroadcastWorld } from "./broadcast-world.ts";
import {
  createBroadcastWorld,
  eventually,
  newManager,
  newSeller,
  refusal,
  userWith,
} from "./broadcast-world.ts";

/** With the user and notification services as they are. */
let world: BroadcastWorld;
let accounts: postgres.Sql;
const manager = newManager();
beforeAll(async () => {
  world = await createBroadcastWorld({ real: true });
  accounts = postgres(world.host.databaseUrl("user"), { max: 1, onnotice: () => {} });
  await world.host.client(TemplateService, { caller: { user: manager } }).createTemplate({
    template: {
      name: "sale",
      variants: [
        { language: "en", subject: "Sale", text: "{{percent}} off" },
        { language: "fr", subject: "Soldes", text: "{{percent}} de remise" },
      ],
    },
  });
});
afterAll(async () => {
  await accounts.end();
  await world[Symbol.asyncDispose]();
});

async function somebody(locale: string, user = userWith()) {
  await accounts`
    insert into accounts (id, email, email_key, password_hash, display_name, search_text, locale, created_at, updated_at)
    values (${user.id}, ${user.id}, ${user.id}, 'x', 'Ama', 'x', ${locale}, now(), now())`;
  return user;
}

const inbox = async (user: ReturnType<typeof userWith>) => {
  const client = world.host.client(NotificationService, { caller: { user } });
  return (await client.listNotifications({ userId: user.id })).notifications.map(({ text }) => text);
};

const words = (text: string) => ({ case: "words", value: { subject: "Sale", text } }) as const;
const sale = (percent: string) =>
  ({ case: "template", value: { name: "sale", variables: { percent } } }) as const;

describe("a broadcast to real inboxes", () => {
  test("reaches those of the segment in their language, once, but for those who want none", async () => {
    const [ama, kofi, esi, yaw] = [
      await somebody("fr"),
      await somebody("fr-CI"),
      await somebody("fr"),
      await somebody("en"),
    ];
    await world.host
      .client(PreferenceService, { caller: { user: esi } })
      .setTopic({ topic: { topic: "news", channels: [] } });
    const segment = { users: { locales: ["fr"] } };
    const preview = await world.of(manager).previewAudience({ segment });
    expect(preview).toMatchObject({ count: 3n, userIds: [ama.id, kofi.id, esi.id].sort() });

    const id = await world.send(manager, { segment, content: sale("20%"), perSecond: 1000 });
    await world.becomes(id, "COMPLETED");
    expect(await world.recipients(id)).toEqual(
      [`${ama.id} SENT`, `${kofi.id} SENT`, `${esi.id} SKIPPED not_wanted`].sort(),
    );
    expect(await Promise.all([ama, kofi, esi, yaw].map(inbox))).toEqual([
      ["20% de remise"],
      ["20% de remise"],
      [],
      [],
    ]);
    expect(await world.told(id)).toEqual(["started 3", "completed 2 0 1"]);
  });

  test("from a seller goes to who bought, by what orders tell, and to nobody who is gone", async () => {
    const [seller, buyer, gone] = [await somebody("en", newSeller()), await somebody("en"), newId()];
    await somebody("en");
    await world.order(seller.id, buyer.id);
    await world.order(seller.id, gone);
    await eventually(() => world.customers(seller.id)).toHaveLength(2);
    const id = await world.send(seller, {
      content: words("5% off"),
      perSecond: 1000,
    });
    await world.becomes(id, "COMPLETED");
    expect(await world.recipients(id)).toEqual([`${buyer.id} SENT`]);
    // Beside what the order itself was told of.
    expect(await inbox(buyer)).toContain("5% off");
    const client = world.host.client(NotificationService, { caller: { user: buyer } });
    const { notifications } = await client.listNotifications({ userId: buyer.id, topic: "news" });
    expect(notifications.map(({ voice }) => voice)).toEqual(["Ama"]);
    await world.deleteUser(seller.id);
    await eventually(() => world.sql`select 1 from broadcasts where voice <> ''`).toEqual([]);
  });
});

test("whom no channel can reach is failed, unless another one has arrived", async () => {
  const [ama, kofi] = [await somebody("en"), await somebody("en")];
  const segment = { userIds: [ama.id, kofi.id] };
  const send = (channels: Channel[]) =>
    world.send(manager, { segment, content: words("By telephone"), channels, perSecond: 1000 });
  const id = await send([Channel.SMS]);
  await world.becomes(id, "COMPLETED");
  await eventually(() => world.stats(id)).toEqual([2, 0, 0, 2, 0]);
  expect(await world.recipients(id)).toEqual(
    [`${ama.id} FAILED no_address`, `${kofi.id} FAILED no_address`].sort(),
  );
  const both = await send([Channel.SMS, Channel.IN_APP]);
  await world.becomes(both, "COMPLETED");
  const last = await send([Channel.SMS]);
  await eventually(() => world.stats(last)).toEqual([2, 0, 0, 2, 0]);
  expect(await world.stats(both)).toEqual([2, 0, 2, 0, 0]);
});

describe("a template that is refused", () => {
  test("is told to whoever schedules it", async () => {
    const attempt = async (content: object) => {
      const { id } = await world.create(manager, { content: content as never });
      return refusal(world.of(manager).scheduleBroadcast({ id }));
    };
    expect(await attempt({ case: "template", value: { name: "nothing" } })).toMatchObject({
      code: "FailedPrecondition",
      reason: "broadcast_template_refused",
      metadata: { reason: "template_not_found" },
    });
    expect(await attempt({ case: "template", value: { name: "sale" } })).toMatchObject({
      metadata: { reason: "template_variables_missing" },
    });
    const variables = { order_number: "a", total: "b" };
    expect(await attempt({ case: "template", value: { name: "order_confirmed", variables } })).toMatchObject({
      code: "FailedPrecondition",
      reason: "broadcast_template_refused",
      metadata: { reason: "template_built_in" },
    });
  });

  test("pauses the broadcast when it was taken away meanwhile, before anybody is lost", async () => {
    const reader = await somebody("en");
    const templates = world.host.client(TemplateService, { caller: { user: manager } });
    const template = { name: "later", variants: [{ language: "en", subject: "Hi", text: "Here it is" }] };
    await templates.createTemplate({ template });
    const content = { case: "template", value: { name: "later", variables: {} } } as const;
    const { id } = await world.create(manager, {
      content,
      segment: { userIds: [reader.id] },
      perSecond: 1000,
    });
    const inAnHour = timestampFromMs(world.clock.now() + 3_600_000);
    await world.of(manager).scheduleBroadcast({ id, sendAt: inAnHour });
    await templates.deleteTemplate({ name: "later" });
    world.clock.pass(3_600_000);
    await world.becomes(id, "PAUSED");
    expect((await world.get(id)).reason).toBe("template_not_found");
    await templates.createTemplate({ template });
    await world.of(manager).resumeBroadcast({ id });
    await world.becomes(id, "COMPLETED");
    expect(await inbox(reader)).toEqual(["Here it is"]);
  });
});
