import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { UserIdentity } from "#mesh";
import type { BroadcastWorld } from "./broadcast-world.ts";
import { createBroadcastWorld, newManager, newSeller, refusal, userWith } from "./broadcast-world.ts";

let world: BroadcastWorld;
beforeAll(async () => {
  world = await createBroadcastWorld();
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => world.mend());

const template = { case: "template", value: { name: "sale", variables: {} } } as const;
const times = ["registeredAfter", "registeredBefore", "seenAfter", "seenBefore"] as const;
const seen = { users: { seenAfter: timestampFromMs(0) } };

/** The same user, without broadcast:admin. */
const demoted = ({ id }: UserIdentity): UserIdentity => ({ ...newSeller(), id });

const denied = (reason: string) => ({ code: "PermissionDenied", reason });

describe("without broadcast:admin", () => {
  test("nobody speaks on a topic of the platform's own", async () => {
    for (const topic of ["orders", "stock", "security", "analytics", "default"]) {
      expect(await refusal(world.create(newSeller(), { topic }))).toMatchObject(
        denied("broadcast_topic_reserved"),
      );
      expect((await world.create(newManager(), { topic })).topic).toBe(topic);
    }
    expect((await world.create(newSeller(), { topic: "orders.mine" })).topic).toBe("orders.mine");
  });

  test("nobody sends a template", async () => {
    expect(await refusal(world.create(newSeller(), { content: template }))).toMatchObject(
      denied("broadcast_template_admin_only"),
    );
  });

  test("nobody asks when users registered or were seen", async () => {
    for (const field of times) {
      const segment = { users: { [field]: timestampFromMs(0) } };
      expect(await refusal(world.create(newSeller(), { segment }))).toMatchObject(
        denied("broadcast_filter_admin_only"),
      );
      expect(await refusal(world.of(newSeller()).previewAudience({ segment }))).toMatchObject(
        denied("broadcast_filter_admin_only"),
      );
      expect(await world.of(newManager()).previewAudience({ segment })).toMatchObject({ count: 0n });
    }
  });

  test("nothing is scheduled or resumed that was drafted with it", async () => {
    const manager = newManager();
    const drafts = {
      broadcast_topic_reserved: { topic: "orders" },
      broadcast_template_admin_only: { content: template },
      broadcast_filter_admin_only: { segment: seen },
    };
    for (const [reason, draft] of Object.entries(drafts)) {
      const { id } = await world.create(manager, draft);
      const theirs = world.of(demoted(manager));
      expect(await refusal(theirs.scheduleBroadcast({ id }))).toMatchObject(denied(reason));
      const sendAt = timestampFromMs(world.clock.now() + 3_600_000);
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
