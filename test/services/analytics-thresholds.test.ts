import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ThresholdReached, ThresholdReachedSchema } from "#gen/analytics/v1/events_pb.js";
import { Direction } from "#gen/analytics/v1/thresholds_pb.js";
import { newId } from "#mesh";
import { eventsTold } from "#mesh/testing/told.ts";
import type { AnalyticsWorld } from "./analytics-world.ts";
import {
  admin,
  createAnalyticsWorld,
  eventually,
  factWith,
  refusal,
  seller,
  userWith,
} from "./analytics-world.ts";

let world: AnalyticsWorld;
beforeAll(async () => {
  world = await createAnalyticsWorld();
  await world.startReplica();
  await world.startReplica();
});
afterAll(() => world[Symbol.asyncDispose]());

const eventsOf = async (id: string) =>
  (
    (await eventsTold(world.host.namespace, [ThresholdReachedSchema])) as unknown as ThresholdReached[]
  ).filter(({ thresholdId }) => thresholdId === id);
const told = async (id: string) => (await eventsOf(id)).map(({ value }) => value);

/** How often each instance has had its turn, more or less. */
const checked = async (id: string) => {
  const look = async () => {
    const [row] = await world.sql<{ at: Date }[]>`select checked_at as at from thresholds where id = ${id}`;
    return row!.at?.getTime() ?? 0;
  };
  const before = await look();
  await eventually(look).toBeGreaterThan(before + 60);
};

const paid = (ownerId: string, amount: bigint) =>
  factWith({
    metric: "orders_paid",
    ownerId,
    amount,
    currency: "GHS",
    occurredAt: new Date(world.clock.now()),
  });

test("a threshold is told once when it is reached, by whichever replica, and again when it was left", async () => {
  const owner = seller();
  const api = world.thresholds(owner);
  const { threshold } = await api.createThreshold({
    name: "Rent 🏠",
    metric: "orders_paid",
    currency: "GHS",
    value: 1000,
    window: durationFromMs(3_600_000),
  });
  const id = threshold!.id;
  expect(threshold).toMatchObject({
    name: "Rent 🏠",
    ownerId: owner.id,
    reached: false,
    direction: Direction.RISES_TO,
  });
  const isReached = async () => (await api.getThreshold({ id })).threshold!.reached;

  await world.count([paid(owner.id, 999n), paid(newId(), 5000n)]);
  await checked(id);
  expect(await isReached()).toBe(false);
  await world.count([paid(owner.id, 1n)]);
  await eventually(isReached).toBe(true);
  await world.count([paid(owner.id, 500n)]);
  await checked(id);
  await eventually(() => told(id)).toEqual([1000]);
  expect(await eventsOf(id)).toMatchObject([{ currency: "GHS", limit: 1000 }]);

  world.clock.pass(2 * 3_600_000);
  await eventually(isReached).toBe(false);
  await world.count([paid(owner.id, 2000n)]);
  await eventually(isReached).toBe(true);
  await checked(id);
  await eventually(() => told(id)).toEqual([1000, 2000]);
  expect((await api.getThreshold({ id })).threshold!.reachedAt).toBeDefined();
});

test("a threshold may wait for little, and for one subject alone", async () => {
  const owner = seller();
  const api = world.thresholds(owner);
  const postId = newId();
  const common = { metric: "tracked.post_viewed", value: 2, window: durationFromMs(3_600_000) };
  const few = await api.createThreshold({ ...common, name: "few", direction: Direction.FALLS_TO });
  const viral = await api.createThreshold({
    ...common,
    name: "viral",
    subjectType: "post",
    subjectId: postId.toUpperCase(),
  });
  await eventually(() => told(few.threshold!.id)).toEqual([0]);
  const view = (subjectId: string) =>
    factWith({
      metric: "tracked.post_viewed",
      ownerId: owner.id,
      subjectType: "post",
      subjectId,
      occurredAt: new Date(world.clock.now()),
    });
  await world.count([view(postId), view(newId()), view(newId())]);
  await checked(viral.threshold!.id);
  expect(await told(viral.threshold!.id)).toEqual([]);
  await world.count([view(postId)]);
  await eventually(() => told(viral.threshold!.id)).toEqual([2]);
});

test("thresholds are one's own, a hundred at most, listed newest first", async () => {
  const [owner, other] = [seller(), seller()];
  const api = world.thresholds(owner);
  const make = (n: number) => api.createThreshold({ name: `t${n}`, metric: "logins", value: 1e6 });
  const made = await Promise.allSettled(Array.from({ length: 105 }, (_, n) => make(n)));
  expect(made.filter(({ status }) => status === "fulfilled")).toHaveLength(100);
  expect(await refusal(make(200))).toMatchObject({
    code: "ResourceExhausted",
    reason: "too_many_thresholds",
  });

  const ids: string[] = [];
  let pageToken = "";
  do {
    const page = await api.listThresholds({ pageSize: 30, pageToken });
    ids.push(...page.thresholds.map(({ id }) => id));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  expect(ids).toHaveLength(100);
  expect(ids).toEqual([...new Set(ids)].sort().reverse());

  const [id = ""] = ids;
  const missing = { code: "NotFound", reason: "threshold_not_found" };
  expect(await refusal(world.thresholds(other).getThreshold({ id }))).toMatchObject(missing);
  expect(await refusal(world.thresholds(other).deleteThreshold({ id }))).toMatchObject(missing);
  expect((await world.thresholds(other).listThresholds({})).thresholds).toEqual([]);
  expect((await world.thresholds(admin).getThreshold({ id })).threshold!.ownerId).toBe(owner.id);
  await api.deleteThreshold({ id });
  expect(await refusal(api.getThreshold({ id }))).toMatchObject(missing);
});

test("a threshold over everybody's figures is there no more for who lost the right to them, but to be deleted", async () => {
  const manager = userWith("analytics:read", "analytics:admin");
  const former = world.thresholds({ ...manager, permissions: ["analytics:read"] });
  const make = async (api: typeof former) =>
    (await api.createThreshold({ name: "n", metric: "logins", value: 1e6 })).threshold!.id;
  const id = await make(world.thresholds(manager));
  const missing = { code: "NotFound", reason: "threshold_not_found" };
  expect(await refusal(former.getThreshold({ id }))).toMatchObject(missing);
  const own = await make(former);
  expect((await former.listThresholds({})).thresholds.map((it) => it.id)).toEqual([own]);
  expect((await world.thresholds(manager).getThreshold({ id })).threshold!.id).toBe(id);
  await former.deleteThreshold({ id });
  expect(await refusal(world.thresholds(manager).getThreshold({ id }))).toMatchObject(missing);
});

test("a threshold over everybody's figures rests while its maker has lost the right to them", async () => {
  const manager = userWith("analytics:read", "analytics:admin");
  const metric = "tracked.rights_watched";
  const window = durationFromMs(3_600_000);
  const make = async (user: typeof manager) =>
    (await world.thresholds(user).createThreshold({ name: "n", metric, value: 2, window })).threshold!.id;
  const id = await make(manager);
  const others = await make(seller());
  const happens = () => world.count([factWith({ metric, occurredAt: new Date(world.clock.now()) })]);
  const saidOf = async () =>
    (await world.sql`select allowed, asked_at from admins where user_id = ${manager.id}`)[0];
  await checked(id);
  expect(world.security.asked).not.toContain(manager.id);

  world.security.lost.add(manager.id);
  world.clock.pass(25 * 3_600_000);
  await eventually(async () => (await saidOf())?.allowed).toBe(false);
  await happens();
  await happens();
  await checked(others);
  expect(await told(id)).toEqual([]);
  const asked = world.security.asked.length;
  await checked(others);
  expect(world.security.asked).toHaveLength(asked);

  world.security.lost.delete(manager.id);
  world.clock.pass(25 * 3_600_000);
  await eventually(async () => (await saidOf())?.allowed).toBe(true);
  await happens();
  await happens();
  await eventually(() => told(id)).toEqual([2]);
});

test("what no figure can be held against is refused", async () => {
  const api = world.thresholds(seller());
  const make = (more: object) =>
    refusal(api.createThreshold({ name: "n", metric: "logins", value: 1, ...more }));
  expect(await make({ window: durationFromMs(1_000_000) })).toMatchObject({ reason: "bad_window" });
  expect(await make({ subjectType: "post" })).toMatchObject({ reason: "subject_incomplete" });
  for (const bad of [
    { value: Number.NaN },
    { value: -1 },
    { window: durationFromMs(60_000) },
    { metric: "x y" },
    { name: "" },
    { currency: "gh" },
  ]) {
    expect(await make(bad)).toMatchObject({ code: "InvalidArgument" });
  }
});
