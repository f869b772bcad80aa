import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { RecipientStatus } from "#gen/broadcast/v1/broadcast_pb.js";
import { Channel, DeliveryStatus } from "#gen/notification/v1/notification_pb.js";
import { UserFilterSchema } from "#gen/user/v1/audience_pb.js";
import type { UserIdentity } from "#mesh";
import type { BroadcastWorld } from "./broadcast-world.ts";
import {
  admin,
  createBroadcastWorld,
  eventually,
  newManager,
  newSeller,
  refusal,
  userWith,
} from "./broadcast-world.ts";

let world: BroadcastWorld;
beforeAll(async () => {
  world = await createBroadcastWorld();
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => world.mend());

const template = { case: "template", value: { name: "sale", variables: {} } } as const;
const hour = 3_600_000;

/** What each of them may say of users. */
const filters = {
  locales: ["fr"],
  timeZones: ["Africa/Accra"],
  registeredAfter: timestampFromMs(0),
  registeredBefore: timestampFromMs(0),
  seenAfter: timestampFromMs(0),
  seenBefore: timestampFromMs(0),
};
const seen = { users: { seenAfter: timestampFromMs(0) } };

/** The same user, without broadcast:admin. */
const demoted = ({ id }: UserIdentity): UserIdentity => ({ ...newSeller(), id });

const denied = (reason: string) => ({ code: "PermissionDenied", reason });

describe("without broadcast:admin", () => {
  test("nobody speaks on another topic than news", async () => {
    const topics = ["orders", "orders.", "order", "security_", "default", "a-new-one", "news.", "news2"];
    for (const topic of topics) {
      expect(await refusal(world.create(newSeller(), { topic }))).toMatchObject(
        denied("broadcast_topic_reserved"),
      );
      expect((await world.create(newManager(), { topic })).topic).toBe(topic);
    }
    expect((await world.create(newSeller(), { topic: "news" })).topic).toBe("news");
  });

  test("nobody sends a template", async () => {
    expect(await refusal(world.create(newSeller(), { content: template }))).toMatchObject(
      denied("broadcast_template_admin_only"),
    );
  });

  test("nobody chooses users by what they are", async () => {
    for (const [field, value] of Object.entries(filters)) {
      const segment = { users: { [field]: value } };
      expect(await refusal(world.create(newSeller(), { segment }))).toMatchObject(
        denied("broadcast_filter_admin_only"),
      );
      expect(await refusal(world.of(newSeller()).previewAudience({ segment }))).toMatchObject(
        denied("broadcast_filter_admin_only"),
      );
      expect(await world.of(newManager()).previewAudience({ segment })).toMatchObject({ count: 0n });
    }
    expect(Object.keys(filters)).toEqual(UserFilterSchema.fields.map(({ localName }) => localName));
    const segment = { users: {}, customers: { leastOrders: 2 } };
    expect((await world.create(newSeller(), { segment })).segment?.customers?.leastOrders).toBe(2);
  });

  test("nobody chooses channels: what each recipient wants decides", async () => {
    for (const channel of [Channel.SMS, Channel.EMAIL, Channel.IN_APP]) {
      expect(await refusal(world.create(newSeller(), { channels: [channel] }))).toMatchObject(
        denied("broadcast_channels_admin_only"),
      );
    }
    expect((await world.create(newManager(), { channels: [Channel.SMS] })).channels).toEqual([Channel.SMS]);
  });

  test("nobody leads away from the platform", async () => {
    const link = "https://evil.example.com";
    expect(await refusal(world.create(newSeller(), { link }))).toMatchObject(
      denied("broadcast_link_admin_only"),
    );
    expect((await world.create(newManager(), { link })).link).toBe(link);
    expect((await world.create(newSeller(), { link: "/products" })).link).toBe("/products");
  });

  test("nobody is told why a recipient does not get it, though who does", async () => {
    const [ama, kofi] = world.crowd(2) as [string, string];
    const seller = newSeller();
    await world.bought(seller.id, [ama, kofi]);
    world.post.deliveries = ({ userId }) =>
      userId === ama
        ? [{ channel: Channel.SMS, status: DeliveryStatus.FAILED, reason: "no_address" }]
        : [{ channel: Channel.SMS, status: DeliveryStatus.SKIPPED, reason: "not_wanted" }];
    const id = await world.send(seller, { perSecond: 1000 });
    await world.becomes(id, "COMPLETED");
    const { recipients } = await world.of(seller).listRecipients({ id });
    expect(recipients.map(({ userId, status, reason }) => [userId, status, reason])).toEqual([
      [ama, RecipientStatus.FAILED, ""],
      [kofi, RecipientStatus.SKIPPED, ""],
    ]);
    expect(await world.recipients(id)).toEqual([`${ama} FAILED no_address`, `${kofi} SKIPPED not_wanted`]);
  });

  test("nothing is scheduled or resumed that was drafted with it", async () => {
    const manager = newManager();
    const drafts = {
      broadcast_topic_reserved: { topic: "offers" },
      broadcast_template_admin_only: { content: template },
      broadcast_filter_admin_only: { segment: seen },
      broadcast_channels_admin_only: { channels: [Channel.SMS] },
      broadcast_link_admin_only: { link: "https://example.com" },
    };
    for (const [reason, draft] of Object.entries(drafts)) {
      const { id } = await world.create(manager, draft);
      const theirs = world.of(demoted(manager));
      expect(await refusal(theirs.scheduleBroadcast({ id }))).toMatchObject(denied(reason));
      const sendAt = timestampFromMs(world.clock.now() + hour);
      await world.of(manager).scheduleBroadcast({ id, sendAt });
      await theirs.pauseBroadcast({ id });
      expect(await refusal(theirs.resumeBroadcast({ id }))).toMatchObject(denied(reason));
      expect(await world.status(id)).toBe("PAUSED");
      await theirs.cancelBroadcast({ id });
    }
  });

  test("one for everybody that is resumed before its time goes to customers alone", async () => {
    const [ama] = world.crowd(3) as [string];
    const manager = newManager();
    await world.bought(manager.id, [ama]);
    const { id } = await world.create(manager, { perSecond: 1000 });
    await world.of(manager).scheduleBroadcast({ id, sendAt: timestampFromMs(world.clock.now() + 60_000) });
    const theirs = world.of(demoted(manager));
    await theirs.pauseBroadcast({ id });
    await theirs.resumeBroadcast({ id });
    world.clock.pass(60_000);
    await world.becomes(id, "COMPLETED");
    expect(world.post.recipients()).toEqual([ama]);
  });

  test("one for everybody whose audience is known is not resumed", async () => {
    world.crowd(3);
    world.clock.frozenAt = Date.now();
    const manager = newManager();
    const id = await world.send(manager, { perSecond: 1 });
    await world.reaches(id, [3, 2, 1, 0, 0]);
    const theirs = world.of(demoted(manager));
    await theirs.pauseBroadcast({ id });
    expect(await refusal(theirs.resumeBroadcast({ id }))).toMatchObject(
      denied("broadcast_everybody_admin_only"),
    );
    await world.of(manager).resumeBroadcast({ id });
    // What goes on is left as it is.
    await theirs.resumeBroadcast({ id });
    await world.becomes(id, "COMPLETED", 1000);
    expect(world.post.made.size).toBe(3);
  });
});

describe("when its time comes", () => {
  /** Scheduled in an hour. */
  const later = async (who: UserIdentity, draft: object = {}) => {
    const { id } = await world.create(who, { perSecond: 1000, ...draft });
    await world.of(who).scheduleBroadcast({ id, sendAt: timestampFromMs(world.clock.now() + hour) });
    return id;
  };

  const lose = ({ id }: UserIdentity, permission: string) => world.rights.lost.add(`${id} ${permission}`);

  const isCalledOff = async (id: string) => {
    world.clock.pass(hour);
    await world.becomes(id, "CANCELLED");
    expect((await world.get(id)).reason).toBe("not_allowed");
    expect(world.post.calls).toBe(0);
    expect(await world.told(id)).toEqual(["cancelled 0 0 0"]);
  };

  test("a broadcast of somebody who may make none any more is called off", async () => {
    const seller = newSeller();
    await world.bought(seller.id, world.crowd(2));
    const id = await later(seller);
    expect(world.rights.asked).toEqual([]);
    lose(seller, "broadcast:write");
    await isCalledOff(id);
  });

  test("one for everybody of somebody who may not reach everybody any more is called off", async () => {
    world.crowd(2);
    const manager = newManager();
    const id = await later(manager, { content: template });
    lose(manager, "broadcast:admin");
    await isCalledOff(id);
  });

  test("that somebody else scheduled it does not count", async () => {
    world.crowd(2);
    const manager = newManager();
    const { id } = await world.create(manager);
    lose(manager, "broadcast:admin");
    await world.of(admin).scheduleBroadcast({ id, sendAt: timestampFromMs(world.clock.now() + hour) });
    await isCalledOff(id);
  });

  test("one for customers takes no broadcast:admin, and one that may goes out", async () => {
    const [ama] = world.crowd(2) as [string];
    const [seller, manager] = [newSeller(), newManager()];
    await world.bought(seller.id, [ama]);
    lose(seller, "broadcast:admin");
    const ids = [await later(seller), await later(manager)];
    world.clock.pass(hour);
    for (const id of ids) await world.becomes(id, "COMPLETED");
    expect(world.post.made.size).toBe(3);
    expect(new Set(world.rights.asked)).toEqual(
      new Set([
        `${seller.id} broadcast:write`,
        `${manager.id} broadcast:write`,
        `${manager.id} broadcast:admin`,
      ]),
    );
  });

  test("nothing goes out while nobody knows, and all of it once somebody does", async () => {
    const people = world.crowd(2);
    const id = await later(newManager());
    world.rights.isAway = true;
    world.clock.pass(hour);
    await eventually(() => world.rights.asked.length).toBeGreaterThan(0);
    const tries = async () => (await world.sql`select tries from broadcasts where id = ${id}`)[0]?.tries;
    await eventually(async () => {
      world.clock.pass(1000);
      return tries();
    }).toBeGreaterThan(1);
    expect(await world.status(id)).toBe("SCHEDULED");
    expect(world.post.calls).toBe(0);
    world.rights.isAway = false;
    await world.becomes(id, "COMPLETED", 10_000);
    expect(world.post.recipients()).toEqual(people);
  });

  test("one that becomes another while security is asked is asked about anew", async () => {
    const [ama] = world.crowd(2) as [string];
    const manager = newManager();
    await world.bought(manager.id, [ama]);
    const id = await later(manager);
    lose(manager, "broadcast:admin");
    // What is for customers alone from now on needs no more than broadcast:write.
    world.rights.before = async () => {
      world.rights.before = async () => {};
      await world.of(demoted(manager)).scheduleBroadcast({ id });
    };
    world.clock.pass(hour);
    await world.becomes(id, "COMPLETED");
    expect(world.post.recipients()).toEqual([ama]);
  });

  test("one that is moved while nobody knows keeps its new time, and nothing ails it", async () => {
    const manager = newManager();
    const id = await later(manager);
    world.rights.isAway = true;
    world.clock.pass(hour);
    const failing = async () =>
      (await world.sql`select 1 from broadcasts where id = ${id} and failing_since is not null`).length;
    await eventually(failing).toBe(1);
    world.rights.isAway = false;
    const sendAt = timestampFromMs(world.clock.now() + hour);
    await world.of(manager).scheduleBroadcast({ id, sendAt });
    expect(await failing()).toBe(0);
    expect(await world.status(id)).toBe("SCHEDULED");
    world.clock.pass(hour);
    await world.becomes(id, "COMPLETED");
  });
});

test("nobody sends what the platform itself sends", async () => {
  const manager = newManager();
  const content = { case: "template", value: { name: "order_confirmed", variables: {} } } as const;
  const { id } = await world.create(manager, { content });
  expect(await refusal(world.of(manager).scheduleBroadcast({ id }))).toMatchObject({
    code: "FailedPrecondition",
    reason: "broadcast_template_refused",
    metadata: { reason: "template_built_in" },
  });
});

test("an owner is the same user however the id is written", async () => {
  const seller = userWith("broadcast:read", "broadcast:write", "broadcast:send");
  const shouting = { ...seller, id: seller.id.toUpperCase() };
  const { id, ownerId } = await world.create(shouting);
  expect(ownerId).toBe(seller.id);
  expect((await world.of(seller).getBroadcast({ id })).broadcast?.id).toBe(id);
  expect((await world.of(shouting).listBroadcasts({})).broadcasts.map((it) => it.id)).toEqual([id]);
});
