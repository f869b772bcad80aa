import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BroadcastStatus } from "#gen/broadcast/v1/broadcast_pb.js";
import { fail, reasonOf } from "#mesh";
import type { BroadcastWorld } from "./broadcast-world.ts";
import { admin, createBroadcastWorld, eventually, newSeller, refusal, userWith } from "./broadcast-world.ts";

const mostDrafts = 5;
const mostAhead = 3;
const dayMs = 24 * 60 * 60_000;

let world: BroadcastWorld;
beforeAll(async () => {
  world = await createBroadcastWorld({
    env: { BROADCAST_DRAFTS_MOST: `${mostDrafts}`, BROADCAST_AHEAD_MOST: `${mostAhead}` },
  });
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => world.mend());

const tooMany = { code: "FailedPrecondition", reason: "broadcast_too_many_drafts" };

const lookedFor = (id: string) =>
  world
    .of(admin)
    .getBroadcast({ id })
    .then(() => "there", reasonOf);

const rows = async (id: string) => (await world.sql`select 1 from broadcasts where id = ${id}`).length;

describe("drafts", () => {
  test("are so many of one owner, and others' do not count", async () => {
    const [seller, other] = [newSeller(), newSeller()];
    const made: string[] = [];
    for (let at = 0; at < mostDrafts; at++) made.push((await world.create(seller)).id);
    expect(await refusal(world.create(seller))).toMatchObject(tooMany);
    await world.create(other);
    // One that is scheduled is none any more, nor is one that is deleted.
    await world
      .of(seller)
      .scheduleBroadcast({ id: made[0]!, sendAt: timestampFromMs(world.clock.now() + dayMs) });
    await world.create(seller);
    await world.of(seller).deleteBroadcast({ id: made[1]! });
    await world.create(seller);
    expect(await refusal(world.create(seller))).toMatchObject(tooMany);
  });

  test("are no more than that when all are made at once", async () => {
    const seller = newSeller();
    const outcomes = await Promise.all(
      Array.from({ length: 4 * mostDrafts }, () => world.create(seller).then(() => "made", reasonOf)),
    );
    expect(outcomes.filter((it) => it === "made")).toHaveLength(mostDrafts);
    expect(new Set(outcomes)).toEqual(new Set(["made", "broadcast_too_many_drafts"]));
  });

  test("that are repeated by their Idempotency-Key are answered though there are too many", async () => {
    const seller = newSeller();
    const words = { case: "words", value: { subject: "S", text: "T" } } as const;
    const make = (key: string) =>
      world
        .of(seller)
        .createBroadcast(
          { name: "N", topic: "news", segment: {}, content: words },
          { headers: { "idempotency-key": key } },
        );
    const first = await make("first");
    for (let at = 1; at < mostDrafts; at++) await make(`${at}`);
    expect((await make("first")).broadcast?.id).toBe(first.broadcast?.id);
    expect(await refusal(make("another"))).toMatchObject(tooMany);
    const [same] = await Promise.all([make("first"), make("first"), make("first")]);
    expect(same.broadcast?.id).toBe(first.broadcast?.id);
    world.people.before = async () => {
      throw fail.precondition("away", "the user service is away");
    };
    expect((await make("first")).broadcast?.id).toBe(first.broadcast?.id);
    expect(await refusal(make("one-more"))).toMatchObject({ reason: "away" });
  });

  test("that nobody touched for long are forgotten, and what is scheduled is not", async () => {
    const seller = newSeller();
    const draft = await world.create(seller, { segment: { userIds: world.crowd(3) } });
    const { id } = await world.create(seller);
    await world
      .of(seller)
      .scheduleBroadcast({ id, sendAt: timestampFromMs(world.clock.now() + 1000 * dayMs) });
    await world.of(seller).pauseBroadcast({ id });
    world.clock.pass(399 * dayMs);
    const young = await world.create(seller);
    expect(await lookedFor(draft.id)).toBe("there");
    world.clock.pass(2 * dayMs);
    await eventually(() => lookedFor(draft.id)).toBe("broadcast_not_found");
    expect(await lookedFor(young.id)).toBe("there");
    expect(await lookedFor(id)).toBe("there");
  });
});

describe("broadcasts ahead", () => {
  test("are so many at most, also when all are scheduled at once, and again when one is called off", async () => {
    const seller = newSeller();
    const sendAt = timestampFromMs(world.clock.now() + dayMs);
    const made: string[] = [];
    for (let at = 0; at < mostDrafts; at++) made.push((await world.create(seller)).id);
    const schedule = (id: string) => world.of(seller).scheduleBroadcast({ id, sendAt });
    const outcomes = await Promise.all(made.map((id) => schedule(id).then(() => "scheduled", reasonOf)));
    expect(outcomes.sort()).toEqual([
      ...Array.from({ length: mostDrafts - mostAhead }, () => "broadcast_too_many_ahead"),
      ...Array.from({ length: mostAhead }, () => "scheduled"),
    ]);
    const { broadcasts } = await world.of(seller).listBroadcasts({});
    const ahead = broadcasts.filter(({ status }) => status === BroadcastStatus.SCHEDULED);
    const [draft] = broadcasts.filter(({ status }) => status === BroadcastStatus.DRAFT);
    // One that is scheduled may be put off all the same.
    await world
      .of(seller)
      .scheduleBroadcast({ id: ahead[0]!.id, sendAt: timestampFromMs(world.clock.now() + 2 * dayMs) });
    await world.of(seller).cancelBroadcast({ id: ahead[0]!.id });
    await schedule(draft!.id);
    const one = await world.create(newSeller());
    expect(one.status).toBe(BroadcastStatus.DRAFT);
  });
});

describe("deleting", () => {
  test("forgets a draft and all that it names, and its key is free", async () => {
    const seller = newSeller();
    const words = { case: "words", value: { subject: "S", text: "T" } } as const;
    const request = { name: "N", topic: "news", segment: { userIds: world.crowd(3) }, content: words };
    const make = () => world.of(seller).createBroadcast(request, { headers: { "idempotency-key": "k" } });
    const id = (await make()).broadcast!.id;
    await world.of(seller).deleteBroadcast({ id: id.toUpperCase() });
    expect(await lookedFor(id)).toBe("broadcast_not_found");
    expect((await world.of(seller).listBroadcasts({})).broadcasts).toEqual([]);
    const again = await refusal(world.of(seller).deleteBroadcast({ id }));
    expect(again).toMatchObject({ code: "NotFound", reason: "broadcast_not_found" });
    expect((await make()).broadcast!.id).not.toBe(id);
    await eventually(() => rows(id)).toBe(0);
    expect(await world.sql`select 1 from chosen where broadcast_id = ${id}`).toHaveLength(0);
  });

  test("forgets one that is over, with its recipients", async () => {
    const people = world.crowd(3);
    const seller = newSeller();
    await world.bought(seller.id, people);
    const done = await world.send(seller, { perSecond: 1000 });
    await world.becomes(done, "COMPLETED");
    const cancelled = await world.create(seller);
    await world.of(seller).cancelBroadcast({ id: cancelled.id });
    for (const id of [done, cancelled.id]) {
      await world.of(seller).deleteBroadcast({ id });
      expect(await lookedFor(id)).toBe("broadcast_not_found");
      expect((await refusal(world.of(seller).listRecipients({ id }))).reason).toBe("broadcast_not_found");
      await eventually(() => rows(id)).toBe(0);
    }
    expect(await world.sql`select 1 from recipients where broadcast_id = ${done}`).toHaveLength(0);
  });

  test("is refused while it is scheduled, goes on or is paused: it is to be cancelled first", async () => {
    const people = world.crowd(40);
    const seller = newSeller();
    await world.bought(seller.id, people);
    world.clock.frozenAt = Date.now();
    const { id } = await world.create(seller, { perSecond: 4 });
    const theirs = world.of(seller);
    const remove = () => refusal(theirs.deleteBroadcast({ id }));
    const underWay = (status: string) => ({
      code: "FailedPrecondition",
      reason: "broadcast_under_way",
      metadata: { status },
    });
    await theirs.scheduleBroadcast({ id, sendAt: timestampFromMs(world.clock.now() + 1000) });
    expect(await remove()).toMatchObject(underWay("scheduled"));
    const opened = Promise.withResolvers<void>();
    world.post.before = () => opened.promise;
    world.clock.pass(1000);
    await world.becomes(id, "SENDING");
    expect(await remove()).toMatchObject(underWay("sending"));
    await theirs.pauseBroadcast({ id });
    expect(await remove()).toMatchObject(underWay("paused"));
    await theirs.resumeBroadcast({ id });
    await eventually(() => world.post.calls).toBeGreaterThan(0);
    await theirs.cancelBroadcast({ id });
    // The last ones are on their way, and its end is not told yet.
    expect(await remove()).toMatchObject(underWay("cancelled"));
    opened.resolve();
    await eventually(async () => (await world.get(id)).finishedAt).toBeDefined();
    await theirs.deleteBroadcast({ id });
    expect(await world.told(id)).toHaveLength(2);
  });

  test("takes broadcast:write", async () => {
    const seller = newSeller();
    const { id } = await world.create(seller);
    const reader = { ...userWith("broadcast:read", "broadcast:send"), id: seller.id };
    expect((await refusal(world.of(reader).deleteBroadcast({ id }))).reason).toBe("permission_missing");
    await world.of(admin).deleteBroadcast({ id });
    expect(await lookedFor(id)).toBe("broadcast_not_found");
  });
});
