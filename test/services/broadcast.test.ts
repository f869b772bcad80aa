import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BroadcastStatus, RecipientStatus } from "#gen/broadcast/v1/broadcast_pb.js";
import { Channel } from "#gen/notification/v1/notification_pb.js";
import { fail, newId, reasonOf } from "#mesh";
import type { BroadcastWorld } from "./broadcast-world.ts";
import {
  admin,
  createBroadcastWorld,
  eventually,
  newManager,
  newSeller,
  refusal,
} from "./broadcast-world.ts";

const dayMs = 24 * 60 * 60_000;

let world: BroadcastWorld;
beforeAll(async () => {
  world = await createBroadcastWorld();
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => world.mend());

describe("a broadcast", () => {
  test("is drafted, scheduled, gathered, sent and completed, and each of that is seen", async () => {
    const [ama, kofi, esi] = world.crowd(3) as [string, string, string];
    const manager = newManager();
    const template = {
      case: "template",
      value: { name: "sale", variables: { percent: "20" } },
    } as const;
    const drafted = await world.create(manager, {
      content: template,
      channels: [Channel.IN_APP, Channel.EMAIL],
      link: "/products",
      perSecond: 1000,
    });
    expect(drafted).toMatchObject({
      ownerId: manager.id,
      status: BroadcastStatus.DRAFT,
      perSecond: 1000,
      template: { name: "sale", variables: { percent: "20" } },
    });
    expect(await world.stats(drafted.id)).toEqual([0, 0, 0, 0, 0]);

    const sendAt = timestampFromMs(world.clock.now() + 3_600_000);
    const { broadcast } = await world.of(manager).scheduleBroadcast({ id: drafted.id, sendAt });
    expect(broadcast).toMatchObject({ status: BroadcastStatus.SCHEDULED, sendAt });
    expect(await world.told(drafted.id)).toEqual([]);
    world.clock.pass(3_600_000);
    await world.becomes(drafted.id, "COMPLETED");

    expect(world.post.recipients()).toEqual([ama, kofi, esi]);
    const { request } = [...world.post.made.values()][0]!;
    expect(request).toMatchObject({
      topic: "news",
      link: "/products",
      urgent: false,
      channels: [Channel.EMAIL, Channel.IN_APP],
      content: template,
      idempotencyKey: `${drafted.id}/${request.userId}`,
    });
    const { recipients } = await world.of(manager).listRecipients({ id: drafted.id });
    expect(recipients.map(({ userId }) => userId)).toEqual([ama, kofi, esi]);
    expect(recipients[0]).toMatchObject({
      status: RecipientStatus.SENT,
      notificationId: world.post.idFor(ama),
    });
    expect(await world.stats(drafted.id)).toEqual([3, 0, 3, 0, 0]);
    expect(await world.told(drafted.id)).toEqual(["started 3", "completed 3 0 0"]);
    const done = await world.get(drafted.id);
    expect([done.startedAt, done.finishedAt]).not.toContain(undefined);
  });

  test("that is for nobody is completed at once", async () => {
    const id = await world.send(admin);
    await world.becomes(id, "COMPLETED");
    expect(await world.told(id)).toEqual(["started 0", "completed 0 0 0"]);
  });

  test("goes out now when its time has been, and is moved while it is scheduled", async () => {
    world.crowd(1);
    const { id } = await world.create(admin);
    const at = (ms: number) => ({ id, sendAt: timestampFromMs(world.clock.now() + ms) });
    await world.of(admin).scheduleBroadcast(at(3_600_000));
    await world.of(admin).scheduleBroadcast(at(7_200_000));
    expect(await world.status(id)).toBe("SCHEDULED");
    await world.of(admin).scheduleBroadcast(at(-1000));
    await world.becomes(id, "COMPLETED");
    // The same again finds what it has brought about; another time is too late.
    await world.of(admin).scheduleBroadcast({ id });
    const late = await refusal(world.of(admin).scheduleBroadcast(at(1000)));
    expect(late).toMatchObject({ code: "FailedPrecondition", reason: "broadcast_is_over" });
    expect(world.post.made.size).toBe(1);
  });

  test("is paused before its time, and goes on as scheduled", async () => {
    world.crowd(1);
    const { id } = await world.create(admin);
    await world.of(admin).scheduleBroadcast({ id, sendAt: timestampFromMs(world.clock.now() + 60_000) });
    await world.of(admin).pauseBroadcast({ id });
    await world.of(admin).pauseBroadcast({ id });
    world.clock.pass(120_000);
    const moved = await refusal(world.of(admin).scheduleBroadcast({ id }));
    expect(moved.reason).toBe("broadcast_under_way");
    expect(await world.status(id)).toBe("PAUSED");
    await world.of(admin).resumeBroadcast({ id });
    await world.becomes(id, "COMPLETED");
    await world
      .of(admin)
      .cancelBroadcast({ id })
      .catch(() => {});
    expect((await refusal(world.of(admin).cancelBroadcast({ id }))).reason).toBe("broadcast_is_over");
    expect((await refusal(world.of(admin).pauseBroadcast({ id }))).reason).toBe("broadcast_is_over");
  });

  test("that is a draft can be called off, but not paused", async () => {
    const { id } = await world.create(admin);
    expect((await refusal(world.of(admin).pauseBroadcast({ id }))).reason).toBe("broadcast_not_scheduled");
    expect((await refusal(world.of(admin).resumeBroadcast({ id }))).reason).toBe("broadcast_not_scheduled");
    await world.of(admin).cancelBroadcast({ id });
    await world.of(admin).cancelBroadcast({ id });
    expect(await world.status(id)).toBe("CANCELLED");
    expect(await world.told(id)).toEqual(["cancelled 0 0 0"]);
    expect((await refusal(world.of(admin).scheduleBroadcast({ id }))).reason).toBe("broadcast_is_over");
  });

  test("is made once for one Idempotency-Key", async () => {
    const manager = newManager();
    const request = {
      name: "Once",
      topic: "news",
      segment: {},
      content: {
        case: "template",
        value: { name: "sale", variables: { a: "1", b: "2" } },
      },
    } as const;
    const make = (more: object = {}) =>
      world
        .of(manager)
        .createBroadcast({ ...request, ...more }, { headers: { "idempotency-key": "the-key" } });
    const first = await make();
    const variables = { b: "2", a: "1" };
    const again = await make({ content: { case: "template", value: { name: "sale", variables } } });
    expect(again.broadcast!.id).toBe(first.broadcast!.id);
    expect(await refusal(make({ name: "Twice" }))).toMatchObject({ reason: "idempotency_key_reused" });
  });

  test("is refused by the contract when it says nothing, or too much", async () => {
    const words = { case: "words", value: { subject: "Hi", text: "Ho" } } as const;
    const good = { name: "N", topic: "news", segment: {}, content: words };
    const refused = async (more: object) =>
      (await refusal(world.of(admin).createBroadcast({ ...good, ...more } as never))).code;
    expect(await refused({ content: { case: undefined } })).toBe("InvalidArgument");
    expect(await refused({ topic: "No Topic" })).toBe("InvalidArgument");
    expect(await refused({ name: "" })).toBe("InvalidArgument");
    expect(await refused({ segment: undefined })).toBe("InvalidArgument");
    expect(await refused({ perSecond: 1001 })).toBe("InvalidArgument");
    const many = Array.from({ length: 10_001 }, () => newId());
    expect(await refused({ segment: { userIds: many } })).toBe("InvalidArgument");
    expect(await refused({ segment: { userIds: ["somebody"] } })).toBe("InvalidArgument");
    const early = { seconds: -62_135_596_801n, nanos: 0 };
    expect(await refused({ segment: { users: { seenAfter: early } } })).toBe("InvalidArgument");
    expect((await world.create(admin, { perSecond: 0 })).perSecond).toBe(50);
  });

  test("keeps text as it is, but for what cannot be kept", async () => {
    const { id } = await world.create(admin, {
      name: "nul \0 🧺 كل",
      link: "/a\0b",
      segment: { users: { timeZones: ["Africa/\0Accra"], locales: ["fr"] } },
      content: { case: "words", value: { subject: "a\0b", text: "كل \0 شيء" } },
    });
    expect(await world.get(id)).toMatchObject({
      name: "nul \u{fffd} 🧺 كل",
      link: "/a\u{fffd}b",
      segment: { users: { timeZones: ["Africa/\u{fffd}Accra"], locales: ["fr"] } },
      words: { subject: "a\u{fffd}b", text: "كل \u{fffd} شيء" },
    });
  });
});

describe("lists", () => {
  test("have one's own broadcasts, newest first, page by page and by status", async () => {
    const seller = newSeller();
    const made: string[] = [];
    for (const name of ["a", "b", "c"]) made.unshift((await world.create(seller, { name })).id);
    await world.of(seller).cancelBroadcast({ id: made[0]! });
    const first = await world.of(seller).listBroadcasts({ pageSize: 2 });
    const rest = await world.of(seller).listBroadcasts({ pageSize: 2, pageToken: first.nextPageToken });
    expect([...first.broadcasts, ...rest.broadcasts].map(({ id }) => id)).toEqual(made);
    expect(rest.nextPageToken).toBe("");
    const drafts = await world.of(seller).listBroadcasts({ status: BroadcastStatus.DRAFT });
    expect(drafts.broadcasts.map(({ id }) => id)).toEqual(made.slice(1));
    const all = await world.of(admin).listBroadcasts({ pageSize: 200 });
    expect(all.broadcasts.map(({ id }) => id)).toEqual(expect.arrayContaining(made));
  });

  test("of recipients come page by page and by status", async () => {
    const people = world.crowd(5);
    world.post.before = async ({ userId }) => {
      if (userId === people[1]) throw gone();
    };
    const id = await world.send(admin, { perSecond: 1000 });
    await world.becomes(id, "COMPLETED");
    const first = await world.of(admin).listRecipients({ id, pageSize: 3 });
    const rest = await world.of(admin).listRecipients({ id, pageSize: 3, pageToken: first.nextPageToken });
    expect([...first.recipients, ...rest.recipients].map(({ userId }) => userId)).toEqual(people);
    const skipped = await world.of(admin).listRecipients({ id, status: RecipientStatus.SKIPPED });
    expect(skipped.recipients).toMatchObject([{ userId: people[1], reason: "gone" }]);
    const waiting = await world.of(admin).listRecipients({ id, status: RecipientStatus.WAITING });
    expect(waiting.recipients).toEqual([]);
  });
});

describe("somebody else's broadcast", () => {
  test("does not exist, but for whoever has broadcast:admin", async () => {
    const [owner, other] = [newSeller(), newSeller()];
    const { id } = await world.create(owner);
    const theirs = world.of(other);
    const attempts = [
      () => theirs.getBroadcast({ id }),
      () => theirs.getBroadcastStats({ id }),
      () => theirs.listRecipients({ id }),
      () => theirs.scheduleBroadcast({ id }),
      () => theirs.pauseBroadcast({ id }),
      () => theirs.resumeBroadcast({ id }),
      () => theirs.cancelBroadcast({ id }),
      () => theirs.deleteBroadcast({ id }),
      () => theirs.getBroadcast({ id: newId() }),
    ];
    for (const attempt of attempts) {
      expect(await refusal(attempt())).toMatchObject({ code: "NotFound", reason: "broadcast_not_found" });
    }
    expect((await theirs.listBroadcasts({})).broadcasts).toEqual([]);
    expect((await world.of(admin).getBroadcast({ id: id.toUpperCase() })).broadcast?.id).toBe(id);
    await world.of(admin).cancelBroadcast({ id });
    await eventually(() => world.status(id)).toBe("CANCELLED");
  });
});

const gone = () => fail.notFound("recipient_not_found", "no user has this id");

test("what is long over is forgotten, with its recipients", async () => {
  const people = world.crowd(2);
  const id = await world.send(admin, { segment: { userIds: people }, perSecond: 1000 });
  await world.becomes(id, "COMPLETED");
  world.clock.pass(401 * dayMs);
  await eventually(() =>
    world
      .of(admin)
      .getBroadcast({ id })
      .then(() => "", reasonOf),
  ).toBe("broadcast_not_found");
  expect(await world.sql`select 1 from recipients where broadcast_id = ${id}`).toHaveLength(0);
});
