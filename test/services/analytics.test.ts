import { durationFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Bucket, TrendKind } from "#gen/analytics/v1/analytics_pb.js";
import { newId } from "#mesh";
import { sumsOf } from "../../services/analytics/rollups-store.ts";
import type { AnalyticsWorld } from "./analytics-world.ts";
import {
  admin,
  at,
  createAnalyticsWorld,
  dayMs,
  factWith,
  refusal,
  seller,
  service,
  userWith,
} from "./analytics-world.ts";

let world: AnalyticsWorld;
beforeAll(async () => {
  world = await createAnalyticsWorld();
  world.clock.goTo("2031-11-15T12:07:00Z");
});
afterAll(() => world[Symbol.asyncDispose]());

const when = (time: string) => new Date(time);
const paid = (ownerId: string, time: string, minorUnits: bigint, userId = newId()) =>
  factWith({
    metric: "orders_paid",
    ownerId,
    userId,
    occurredAt: when(time),
    amount: minorUnits,
    currency: "GHS",
  });

describe("the dashboard", () => {
  test("has points without gaps, by the days of the place, also when clocks change", async () => {
    const owner = seller();
    await world.count([
      paid(owner.id, "2031-10-25T21:59:00Z", 1n),
      paid(owner.id, "2031-10-25T22:00:00Z", 10n),
      paid(owner.id, "2031-10-26T22:59:00Z", 20n),
      paid(owner.id, "2031-10-26T23:00:00Z", 100n),
      paid(owner.id, "2031-10-28T12:00:00Z", 1000n),
    ]);
    const span = {
      from: at("2031-10-25T22:00:00Z"),
      until: at("2031-10-29T23:00:00Z"),
      timeZone: "Europe/Berlin",
    };
    const { dashboard } = await world.of(owner).getDashboard({ span, bucket: Bucket.DAY });
    const [metric] = dashboard!.metrics;
    expect(metric).toMatchObject({
      name: "orders_paid",
      currency: "GHS",
      count: 4n,
      sum: 0,
      minorUnits: 1130n,
    });
    expect(metric).toMatchObject({ countBefore: 1n, sumBefore: 0, minorUnitsBefore: 1n });
    expect(metric!.points.map(({ minorUnits }) => minorUnits)).toEqual([30n, 100n, 1000n, 0n]);
    expect(metric!.points.map(({ from }) => new Date(timestampMs(from!)).toISOString().slice(0, 13))).toEqual(
      ["2031-10-25T22", "2031-10-26T23", "2031-10-27T23", "2031-10-28T23"],
    );
  });

  test("keeps to the half hours of a zone that has them", async () => {
    const owner = seller();
    await world.count([
      paid(owner.id, "2031-11-01T18:29:59Z", 1n),
      paid(owner.id, "2031-11-01T18:30:00Z", 2n),
    ]);
    const span = {
      from: at("2031-10-31T18:30:00Z"),
      until: at("2031-11-02T18:30:00Z"),
      timeZone: "Asia/Kolkata",
    };
    const { dashboard } = await world.of(owner).getDashboard({ span, bucket: Bucket.DAY });
    expect(dashboard!.metrics[0]!.points.map(({ minorUnits }) => minorUnits)).toEqual([1n, 2n]);
  });

  test("shows the last 30 days by default, currencies apart, and zeros for what is asked by name", async () => {
    const owner = seller();
    await world.count([
      paid(owner.id, "2031-11-15T12:06:59Z", 5n),
      { ...paid(owner.id, "2031-11-01T00:00:00Z", 7n), currency: "USD" },
    ]);
    const { dashboard } = await world.of(owner).getDashboard({});
    expect(dashboard).toMatchObject({ bucket: Bucket.DAY, timeZone: "UTC" });
    expect(dashboard!.metrics.map(({ currency, minorUnits }) => [currency, minorUnits])).toEqual([
      ["GHS", 5n],
      ["USD", 7n],
    ]);
    const named = await world.of(owner).getDashboard({ metrics: ["refunds", "tracked.nothing"] });
    expect(
      named.dashboard!.metrics.map(({ name, count, points }) => [name, count, points.length > 29]),
    ).toEqual([
      ["refunds", 0n, true],
      ["tracked.nothing", 0n, true],
    ]);
  });

  test("is of one's own; who may see all may ask for anybody's", async () => {
    const [one, other] = [seller(), seller()];
    await world.count([paid(one.id, "2031-11-14T00:00:00Z", 3n)]);
    const sum = async (user: typeof one, ownerId = "") => {
      const { dashboard } = await world.of(user).getDashboard({ metrics: ["orders_paid"], ownerId });
      return dashboard!.metrics.find(({ currency }) => currency !== "USD")!.minorUnits;
    };
    expect(await sum(one)).toBe(3n);
    expect(await sum(one, one.id.toUpperCase())).toBe(3n);
    expect(await sum(other)).toBe(0n);
    expect(await sum(admin, one.id)).toBe(3n);
    expect(await sum(admin)).toBeGreaterThanOrEqual(3n);
    const denied = { code: "PermissionDenied", reason: "analytics_admin_only" };
    expect(await refusal(sum(other, one.id))).toMatchObject(denied);
    expect(await refusal(sum(other, "00000000-0000-0000-0000-000000000000"))).toMatchObject(denied);
    expect(await refusal(world.of(other).getAudience({ ownerId: one.id }))).toMatchObject(denied);
    expect(await refusal(world.of(userWith()).getDashboard({}))).toMatchObject({ code: "PermissionDenied" });
  });

  test("keeps money to the last digit, and shows other values beside it as sums", async () => {
    const owner = seller();
    const buyer = newId();
    const large = 9_007_199_254_740_993n;
    await world.count([
      paid(owner.id, "2031-11-14T00:00:00Z", large, buyer),
      paid(owner.id, "2031-11-14T00:01:00Z", 1n, buyer),
      factWith({
        metric: "units_sold",
        ownerId: owner.id,
        value: 2.5,
        occurredAt: when("2031-11-14T00:00:00Z"),
      }),
    ]);
    const { dashboard } = await world.of(owner).getDashboard({});
    expect(dashboard!.metrics).toMatchObject([
      { name: "orders_paid", sum: 0, minorUnits: large + 1n },
      { name: "units_sold", sum: 2.5, minorUnits: 0n },
    ]);
    const reader = world.metrics(service("gateway", "analytics:read"));
    const { metrics } = await reader.getUserStats({ userId: buyer });
    expect(metrics).toMatchObject([{ name: "orders_paid", sum: 0, minorUnits: large + 1n }]);
  });

  test("reads no more than it would show", async () => {
    const postId = newId();
    await world.count([factWith({ occurredAt: when("2031-11-14T00:00:00Z") })]);
    await world.sql`
      insert into rollups (bucket, owner_id, subject_type, subject_id, metric, currency, count, sum)
      select '2031-11-14T00:00:00Z', '00000000-0000-0000-0000-000000000000', 'post', ${postId}, 'tracked.n' || n, '', 1, 0
      from generate_series(1, 41000) n`;
    const filter = {
      ...{ ownerId: "00000000-0000-0000-0000-000000000000", subjectType: "post", subjectId: postId },
      ...{ metrics: undefined, before: when("2031-11-13T00:00:00Z"), starts: [when("2031-11-14T00:00:00Z")] },
      ...{ until: when("2031-11-15T00:00:00Z"), limit: 10 },
    };
    expect(await sumsOf(world.setup.db.sql, filter)).toHaveLength(10);
    expect(await refusal(world.of(admin).getPostPerformance({ id: postId }))).toMatchObject({
      reason: "too_many_points",
    });
  });

  test("refuses what cannot be shown, and says why", async () => {
    const ask = (span: object, bucket = Bucket.UNSPECIFIED) =>
      refusal(world.of(admin).getDashboard({ span, bucket }));
    const [from, until] = [at("2031-01-01T00:00:00Z"), at("2031-11-01T00:00:00Z")];
    expect(await ask({ from, until }, Bucket.HOUR)).toMatchObject({ reason: "too_many_points" });
    expect(await ask({ from: until, until: from })).toMatchObject({ reason: "bad_span" });
    expect(await ask({ from: at("2029-01-01T00:00:00Z"), until })).toMatchObject({ reason: "bad_span" });
    expect(await ask({ from: { seconds: -99_999_999_999n, nanos: 0 } })).toMatchObject({
      reason: "bad_span",
    });
    for (const timeZone of ["Mars/Olympus", "+05:37", "💥"]) {
      expect(await ask({ timeZone })).toMatchObject({ code: "InvalidArgument", reason: "bad_time_zone" });
    }
    expect(await refusal(world.of(admin).getDashboard({ metrics: ["DROP TABLE"] }))).toMatchObject({
      code: "InvalidArgument",
    });
  });
});

test("how a post does is told by what was tracked with it, to its author", async () => {
  const [author, postId] = [seller(), newId()];
  const content = world.metrics(service("content"));
  const [ama, kofi] = [newId(), newId()];
  const track = (name: string, userId: string) =>
    content.trackEvent({
      event: { id: newId(), name, subjectType: "post", subjectId: postId },
      userId,
      ownerId: author.id,
    });
  for (const user of [ama, ama, kofi, kofi])
    expect(await track("post_viewed", user)).toMatchObject({ counted: true });
  await track("post_liked", ama);
  const { performance } = await world.of(author).getPostPerformance({ id: postId.toUpperCase() });
  expect(performance).toMatchObject({ postId, people: 2n, engagementRate: 0.25 });
  expect(performance!.metrics.map(({ name, count }) => [name, count])).toEqual([
    ["post_liked", 1n],
    ["post_viewed", 4n],
  ]);
  const others = await world.of(seller()).getPostPerformance({ id: postId });
  expect(others.performance).toMatchObject({ people: 0n, engagementRate: 0, metrics: [] });
  expect((await world.of(admin).getPostPerformance({ id: postId })).performance!.people).toBe(2n);
});

test("the audience is told apart by whether it is new, comes back and buys, on the very hour", async () => {
  const owner = seller();
  const [ama, kofi, esi] = [newId(), newId(), newId()];
  await world.count([
    paid(owner.id, "2031-09-01T12:00:00Z", 1n, ama),
    // In the time: Ama twice on a whole day, Kofi at its very beginning, Esi a moment too late.
    paid(owner.id, "2031-11-03T10:00:00Z", 1n, ama),
    paid(owner.id, "2031-11-03T10:05:00Z", 1n, ama),
    paid(owner.id, "2031-11-01T18:30:00Z", 1n, kofi),
    paid(owner.id, "2031-11-10T18:30:00Z", 1n, esi),
  ]);
  const span = {
    from: at("2031-11-01T18:30:00Z"),
    until: at("2031-11-10T18:30:00Z"),
    timeZone: "Asia/Kolkata",
  };
  const { audience } = await world.of(owner).getAudience({ span });
  expect(audience).toMatchObject({ active: 2n, new: 1n, returning: 1n, buyers: 2n, repeatBuyers: 1n });
  expect(audience).toMatchObject({ activeDay: 0n, activeWeek: 0n, activeMonth: 2n });
  expect(audience!.hoursOfWeek).toHaveLength(168);
  // Monday at 15:30 there, and Sunday at midnight.
  expect(audience!.hoursOfWeek[15]).toBe(2n);
  expect(audience!.hoursOfWeek[6 * 24]).toBe(1n);
  const short = { from: at("2031-11-03T09:00:00Z"), until: at("2031-11-03T11:00:00Z") };
  expect((await world.of(owner).getAudience({ span: short })).audience).toMatchObject({
    active: 1n,
    new: 0n,
    repeatBuyers: 1n,
  });
});

test("what rises most against the time before is the trend", async () => {
  const owner = seller();
  const now = world.clock.now();
  const tagged = (tag: string, count: number, hoursAgo: number) =>
    Array.from({ length: count }, () =>
      factWith({
        metric: "tracked.post_viewed",
        ownerId: owner.id,
        tags: [tag],
        subjectType: "post",
        subjectId: tag,
        occurredAt: new Date(now - hoursAgo * 3_600_000),
      }),
    );
  await world.count([
    ...tagged("steady", 50, 30),
    ...tagged("steady", 52, 2),
    ...tagged("fresh", 9, 2),
    ...tagged("rising", 4, 30),
    ...tagged("rising", 16, 2),
    ...tagged("falling", 9, 30),
    ...tagged("falling", 3, 2),
  ]);
  const { trends } = await world.of(owner).getTrends({});
  expect(trends.map(({ key, count, countBefore }) => [key, count, countBefore])).toEqual([
    ["fresh", 9n, 0n],
    ["rising", 16n, 4n],
    ["steady", 52n, 50n],
  ]);
  expect(trends[0]!.score).toBe(9);
  const of = async (kind: TrendKind, user = owner) =>
    (await world.of(user).getTrends({ kind, limit: 1 })).trends.map(({ key }) => key);
  expect(await of(TrendKind.POST)).toEqual(["fresh"]);
  expect(await of(TrendKind.EVENT)).toEqual(["post_viewed"]);
  const productId = newId();
  await world.count([
    factWith({
      metric: "products_sold",
      ownerId: owner.id,
      subjectType: "product",
      subjectId: productId,
      occurredAt: new Date(now),
    }),
  ]);
  expect(await of(TrendKind.PRODUCT)).toEqual([productId]);
  expect(await of(TrendKind.TAG, seller())).toEqual([]);
});

describe("what services tell", () => {
  const content = () => world.metrics(service("content"));
  const reader = () => world.metrics(service("gateway", "analytics:read"));

  test("is counted by whom it concerns, and answered to who may ask", async () => {
    const userId = newId();
    const login = { id: newId(), userId, platform: "facebook", occurredAt: at(world.clock.now() - dayMs) };
    expect(await content().trackLogin(login)).toMatchObject({ counted: true });
    expect(await content().trackLogin(login)).toMatchObject({ counted: false });
    await world.track({ ...userWith(), id: userId }, { name: "page_viewed", value: 4 });
    const stats = await reader().getUserStats({ userId });
    expect(stats.metrics.map(({ name, count, sum }) => [name, count, sum])).toEqual([
      ["platform_logins", 1n, 0],
      ["tracked.page_viewed", 1n, 4],
    ]);
    expect(timestampMs(stats.firstSeenAt!)).toBe(timestampMs(login.occurredAt));
    expect(timestampMs(stats.lastSeenAt!)).toBeGreaterThan(timestampMs(stats.firstSeenAt!));
    expect(await refusal(content().getUserStats({ userId }))).toMatchObject({ code: "PermissionDenied" });
    expect(await refusal(world.metrics({ user: admin }).getUserStats({ userId }))).toMatchObject({
      code: "PermissionDenied",
    });
  });

  test("of themselves is kept by service, operation and code", async () => {
    const took = (ms: number, failed = false) =>
      content().recordPerformance({
        id: newId(),
        operation: "video_transcoding",
        took: durationFromMs(ms),
        failed,
      });
    await took(100);
    await took(300, true);
    const error = { id: newId(), code: "provider_unreachable", text: "it hung up" };
    await content().logError(error);
    await content().logError(error);
    await world.metrics(service("social")).logError({ id: error.id, code: "too_slow" });
    const { services } = await reader().getServiceHealth({});
    expect(services).toMatchObject([
      {
        service: "content",
        operations: [{ name: "video_transcoding", count: 2n, failed: 1n, meanMs: 200, slowestMs: 300 }],
        errors: { provider_unreachable: 1n },
      },
      { service: "social", operations: [], errors: { too_slow: 1n } },
    ]);
    // None of it is shown on a dashboard.
    const { dashboard } = await world.of(admin).getDashboard({});
    expect(dashboard!.metrics.filter(({ name }) => name.startsWith("service"))).toEqual([]);
  });

  test("is not for strangers to tell", async () => {
    const event = { id: newId(), name: "a" };
    for (const caller of [{ user: admin }, service("gateway"), {}]) {
      expect((await refusal(world.metrics(caller).trackEvent({ event }))).code).toMatch(
        /Denied|Unauthenticated/,
      );
    }
  });
});

test("metrics tell what was counted, by what it is about", async () => {
  await world.track(userWith(), { name: "metered" });
  const text = await world.setup.metrics.render();
  expect(text).toMatch(/weft_analytics_facts_total\{[^}]*group="tracked"[^}]*\} [1-9]/);
  expect(text).toMatch(/weft_analytics_behind_seconds_count\{[^}]*\} [1-9]/);
});
