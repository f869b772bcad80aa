import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Bucket } from "#gen/analytics/v1/analytics_pb.js";
import { ReportFormat, ReportKind, ReportService, ReportStatus } from "#gen/analytics/v1/reports_pb.js";
import { PaymentRefundedSchema } from "#gen/payment/v1/events_pb.js";
import type { Job, UserIdentity } from "#mesh";
import { newId } from "#mesh";
import { chunkBytes, createChunks } from "../../services/analytics/reports/chunks.ts";
import type { FileSink } from "../../services/analytics/reports/file-sink.ts";
import type { WritingOptions } from "../../services/analytics/reports/writing.ts";
import { createWriting } from "../../services/analytics/reports/writing.ts";
import type { AnalyticsWorld } from "./analytics-world.ts";
import {
  admin,
  at,
  createAnalyticsWorld,
  dayMs,
  eventually,
  factWith,
  refusal,
  seller,
  service,
  userWith,
} from "./analytics-world.ts";

const { SALES, EVENTS, METRICS } = ReportKind;

/** Makes the partitions of now and of the days before. */
const monthsBack = (world: AnalyticsWorld) =>
  world.count([factWith(), factWith({ occurredAt: new Date(Date.now() - 2 * dayMs) })]);

describe("a report", () => {
  let world: AnalyticsWorld;
  beforeAll(async () => {
    world = await createAnalyticsWorld({
      others: true,
      world: { reportLimits: { lines: 3000, bytes: 1e9 } },
    });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const made = async (user: UserIdentity, request: object) => {
    const { report } = await world.reports(user).createReport({ kind: SALES, ...request });
    expect(report).toMatchObject({ ownerId: user.id, lines: 0n });
    return world.finished(user, report!.id);
  };

  test("of sales has a line for each order that was paid or given back, one's own alone", async () => {
    const [owner, buyer, orderId] = [seller(), newId(), newId()];
    const now = Math.floor(world.clock.now() / 1000) * 1000;
    await world.paid(owner.id, buyer, 18_500n, now - 1000);
    await world.paid(newId(), buyer, 1n);
    await world.tell(PaymentRefundedSchema, {
      orderId,
      sellerId: owner.id,
      customerId: buyer,
      amount: { currency: "GHS", minorUnits: 500n },
      refundedAt: at(now),
    });
    await eventually(() => world.counted("refunds")).toBe(1);
    await eventually(() => world.counted("orders_paid")).toBe(2);
    const report = await made(owner, {});
    expect(report).toMatchObject({ status: ReportStatus.READY, lines: 2n, format: ReportFormat.CSV });
    const { text, contentType } = await world.download(owner, report.id);
    expect(contentType).toBe("text/csv; charset=utf-8");
    expect(report.bytes).toBe(BigInt(Buffer.byteLength(text)));
    const [head, paid, refunded, rest] = text.split("\r\n");
    expect(head).toBe("occurred_at,kind,order_id,seller_id,customer_id,currency,minor_units");
    expect(paid).toMatch(
      new RegExp(`^${new Date(now - 1000).toISOString()},paid,.*,${owner.id},${buyer},GHS,18500$`),
    );
    expect(refunded).toBe(`${new Date(now).toISOString()},refunded,${orderId},${owner.id},,GHS,500`);
    expect(rest).toBe("");
    // Who may see all has all.
    expect((await made(admin, {})).lines).toBe(3n);
  });

  test("of events keeps what is hostile from spreadsheets, and has everything as JSON", async () => {
    const owner = seller();
    const event = {
      name: "note",
      tags: ["=cmd|' /C calc'!A0", "कल🧺"],
      properties: { words: 'say "hi",\r\n@you' },
    };
    await world.of(owner).trackEvents({ events: [{ ...event, id: newId() }] });
    // Only services say whose it is.
    await world.sql`update facts set owner_id = ${owner.id} where user_id = ${owner.id}`;
    const csv = await made(owner, { kind: EVENTS });
    const { text } = await world.download(owner, csv.id);
    expect(text).toContain(`,"'=cmd|' /c calc'!a0 कल🧺",`);
    expect(text).toContain('"{""words"":""say \\""hi\\"",\\r\\n@you""}"');
    const json = await made(owner, { kind: EVENTS, format: ReportFormat.JSON });
    const lines = (await world.download(owner, json.id)).text.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { name: "note", user_id: owner.id, value: 0, properties: event.properties },
    ]);
  });

  test("of metrics has a line for each bucket", async () => {
    const owner = seller();
    const day = Math.floor(world.clock.now() / dayMs) * dayMs;
    await world.count([
      factWith({
        metric: "orders_paid",
        ownerId: owner.id,
        occurredAt: new Date(day - dayMs),
        amount: 9_007_199_254_740_993n,
        currency: "GHS",
      }),
    ]);
    const span = { from: at(day - 2 * dayMs), until: at(day) };
    const report = await made(owner, { kind: METRICS, span, bucket: Bucket.DAY });
    const { text } = await world.download(owner, report.id);
    expect(text.split("\r\n").slice(1, 3)).toEqual([
      `${new Date(day - 2 * dayMs).toISOString()},orders_paid,GHS,0,,0`,
      `${new Date(day - dayMs).toISOString()},orders_paid,GHS,1,,9007199254740993`,
    ]);
    const empty = await made(seller(), { kind: METRICS, format: ReportFormat.JSON });
    expect(empty).toMatchObject({ status: ReportStatus.READY, lines: 0n, bytes: 0n });
    expect(await world.download(seller(), empty.id).catch(() => "none of yours")).toBe("none of yours");
    expect(
      await refusal(
        world
          .reports(owner)
          .createReport({ kind: METRICS, span: { from: at(day - 399 * dayMs) }, bucket: Bucket.HOUR }),
      ),
    ).toMatchObject({ reason: "too_many_points" });
  });

  test("that would be too large fails and says so", async () => {
    const owner = seller();
    await monthsBack(world);
    await world.sql`
      insert into facts (id, occurred_at, metric, owner_id, received_at)
      select gen_random_uuid(), now() - interval '1 hour', 'tracked.bulk', ${owner.id}, now()
      from generate_series(1, 3500)`;
    const report = await made(owner, { kind: EVENTS });
    expect(report).toMatchObject({ status: ReportStatus.FAILED, reason: "too_large" });
    expect(await refusal(world.download(owner, report.id))).toMatchObject({ reason: "report_not_ready" });
    expect(await world.sql`select 1 from report_chunks where report_id = ${report.id}`).toHaveLength(0);
  });

  test("of a service that asks for nobody is its own", async () => {
    const api = (name: string) =>
      world.host.client(ReportService, { caller: service(name, "reports:generate") });
    const { report } = await api("content").createReport({ kind: SALES });
    expect(report!.ownerId).toBe("");
    await eventually(async () => (await api("content").getReport({ id: report!.id })).report!.status).toBe(
      ReportStatus.READY,
    );
    expect(await refusal(api("social").getReport({ id: report!.id }))).toMatchObject({ code: "NotFound" });
  });

  test("of somebody else does not exist", async () => {
    const [owner, other] = [seller(), seller()];
    const { id } = await made(owner, {});
    const missing = { code: "NotFound", reason: "report_not_found" };
    expect(await refusal(world.reports(other).getReport({ id }))).toMatchObject(missing);
    expect(await refusal(world.download(other, id))).toMatchObject(missing);
    expect(await refusal(world.reports(other).deleteReport({ id }))).toMatchObject(missing);
    expect((await world.reports(other).listReports({})).reports).toEqual([]);
    expect((await world.reports(admin).getReport({ id })).report!.id).toBe(id);
    expect((await world.reports(admin).listReports({})).reports.map((it) => it.id)).toContain(id);
    expect((await world.reports(owner).listReports({ status: ReportStatus.READY })).reports).toHaveLength(1);
    expect((await world.reports(owner).listReports({ status: ReportStatus.FAILED })).reports).toEqual([]);
    await world.reports(owner).deleteReport({ id });
    expect(await refusal(world.reports(owner).getReport({ id }))).toMatchObject(missing);
  });

  test("over everybody's figures is there no more for who lost the right to them, but to be deleted", async () => {
    const manager = userWith("analytics:admin", "analytics:report");
    const former = { ...manager, permissions: ["analytics:report"] };
    const { report } = await world
      .reports(manager)
      .createReport({ kind: SALES }, { headers: { "idempotency-key": "all" } });
    const { id } = await world.finished(manager, report!.id);
    const missing = { code: "NotFound", reason: "report_not_found" };
    expect(await refusal(world.reports(former).getReport({ id }))).toMatchObject(missing);
    expect(await refusal(world.download(former, id))).toMatchObject(missing);
    expect(
      await refusal(
        world.reports(former).createReport({ kind: SALES }, { headers: { "idempotency-key": "all" } }),
      ),
    ).toMatchObject(missing);
    expect((await world.reports(former).listReports({})).reports).toEqual([]);
    const own = await made(former, {});
    expect((await world.reports(former).listReports({})).reports.map((it) => it.id)).toEqual([own.id]);
    await world.reports(former).deleteReport({ id });
    expect(await refusal(world.reports(manager).getReport({ id }))).toMatchObject(missing);
  });

  test("is gone when its time is over", async () => {
    const owner = seller();
    const { id, expiresAt } = await made(owner, {});
    expect(expiresAt).toBeDefined();
    world.clock.pass(7 * dayMs + 1000);
    expect(await refusal(world.reports(owner).getReport({ id }))).toMatchObject({
      reason: "report_not_found",
    });
    await eventually(() => world.sql`select 1 from reports where id = ${id}`).toHaveLength(0);
  });
});

describe("a report whose worker", () => {
  let world: AnalyticsWorld;
  beforeAll(async () => {
    // Nobody does jobs here but tests.
    world = await createAnalyticsWorld();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const lines = 100_000;
  const asked = async (count: number) => {
    const owner = seller();
    await monthsBack(world);
    await world.sql`
      insert into facts (id, occurred_at, metric, owner_id, properties, received_at)
      select gen_random_uuid(), now() - n * interval '1 second', 'tracked.bulk', ${owner.id},
        jsonb_build_object('n', n::text), now()
      from generate_series(1, ${count}::int) n`;
    const { report } = await world.reports(owner).createReport({ kind: EVENTS, format: ReportFormat.JSON });
    return { owner, id: report!.id };
  };
  const jobOf = (more: Partial<Job> = {}) =>
    ({
      attempt: 1,
      maxAttempts: 3,
      signal: new AbortController().signal,
      progress: () => {},
      ...more,
    }) as Job;
  const write = (id: string, options: Partial<WritingOptions> = {}, job = jobOf()) =>
    createWriting({
      db: world.setup.db,
      sink: createChunks(world.setup.db, world.clock.now),
      metrics: world.silent,
      keepMs: dayMs,
      now: world.clock.now,
      ...options,
    })({ reportId: id } as never, job);
  const isWhole = async (owner: UserIdentity, id: string, count: number) => {
    const { text, pieces } = await world.download(owner, id);
    const numbers = text
      .trimEnd()
      .split("\n")
      .map((line) => Number(JSON.parse(line).properties.n));
    expect(new Set(numbers).size).toBe(count);
    expect(numbers).toHaveLength(count);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(chunkBytes);
    return text;
  };

  test("is given very many lines has but a few of them at once", { timeout: 60_000 }, async () => {
    const { owner, id } = await asked(lines);
    const real = createChunks(world.setup.db, world.clock.now);
    let [longest, total] = [0, 0];
    const sink: FileSink = {
      ...real,
      open: (...args) => {
        const file = real.open(...args);
        return {
          get bytes() {
            return file.bytes;
          },
          write: (text, count) => {
            longest = Math.max(longest, text.length);
            total += text.length;
            return file.write(text, count);
          },
          end: (count) => file.end(count),
        };
      },
    };
    const told: number[] = [];
    await write(id, { sink }, jobOf({ progress: (percent) => void told.push(percent) }));
    expect(longest).toBeLessThan(total / 50);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect(told.length).toBeGreaterThan(50);
    const { report } = await world.reports(owner).getReport({ id });
    expect(report).toMatchObject({ status: ReportStatus.READY, lines: BigInt(lines), bytes: BigInt(total) });
    await isWhole(owner, id, lines);
  });

  test("dies half-way is written anew from nothing, whatever the dead one still does", async () => {
    const { owner, id } = await asked(5000);
    const real = createChunks(world.setup.db, world.clock.now);
    const [hung, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const sink: FileSink = {
      ...real,
      open: (...args) => {
        const file = real.open(...args);
        let writes = 0;
        return {
          get bytes() {
            return file.bytes;
          },
          write: async (text, count) => {
            if (++writes === 4) {
              hung.resolve();
              await goOn.promise;
            }
            return file.write(text, count);
          },
          end: (count) => file.end(count),
        };
      },
    };
    const first = write(id, { sink });
    await hung.promise;
    expect((await world.reports(owner).getReport({ id })).report!.status).toBe(ReportStatus.WRITING);
    expect(await refusal(world.download(owner, id))).toMatchObject({ reason: "report_not_ready" });
    await write(id, {}, jobOf({ attempt: 2 }));
    const text = await isWhole(owner, id, 5000);
    goOn.resolve();
    await first;
    expect(await isWhole(owner, id, 5000)).toBe(text);
    // And a job that comes again finds nothing to do.
    await write(id, {}, jobOf({ attempt: 3 }));
    expect((await world.reports(owner).getReport({ id })).report).toMatchObject({
      status: ReportStatus.READY,
      lines: 5000n,
    });
  });

  test("is cancelled stops, and the report fails when nobody goes on", async () => {
    const { owner, id } = await asked(5000);
    const cancelling = new AbortController();
    let pages = 0;
    // By then some of it is kept.
    const progress = () => {
      if (++pages === 3) cancelling.abort(new Error("cancelled"));
    };
    const job = jobOf({ signal: cancelling.signal, progress });
    await expect(write(id, {}, job)).rejects.toThrow("cancelled");
    expect((await world.reports(owner).getReport({ id })).report!.status).toBe(ReportStatus.WRITING);
    const chunks = () => world.sql`select 1 from report_chunks where report_id = ${id}`;
    expect(await chunks()).not.toHaveLength(0);
    world.clock.pass(2 * 3_600_000);
    const shown = async () => (await world.reports(owner).getReport({ id })).report!;
    await eventually(async () => (await shown()).reason).toBe("abandoned");
    expect(await shown()).toMatchObject({ lines: 0n, bytes: 0n });
    expect(await chunks()).toHaveLength(0);
  });

  test("fails for good says so, and tries before that", async () => {
    const { owner, id } = await asked(10);
    const sink: FileSink = {
      open: () => ({ bytes: 0, write: () => Promise.reject(new Error("disk on fire")), end: async () => {} }),
      read: () => createChunks(world.setup.db, world.clock.now).read(id),
    };
    await expect(write(id, { sink })).rejects.toThrow("disk on fire");
    expect((await world.reports(owner).getReport({ id })).report!.status).toBe(ReportStatus.WRITING);
    await expect(write(id, { sink }, jobOf({ attempt: 3 }))).rejects.toThrow("disk on fire");
    expect((await world.reports(owner).getReport({ id })).report).toMatchObject({
      status: ReportStatus.FAILED,
      reason: "internal",
    });
  });

  test("never comes is one of a few that one may wait for; the same key is the same report", async () => {
    const owner = seller();
    const api = world.reports(owner);
    const ask = (key: string, kind = SALES) =>
      api.createReport({ kind }, { headers: { "idempotency-key": key } });
    const same = await Promise.all(Array.from({ length: 8 }, () => ask("one")));
    expect(new Set(same.map(({ report }) => report!.id)).size).toBe(1);
    expect(await refusal(ask("one", EVENTS))).toMatchObject({ reason: "idempotency_key_reused" });
    for (const key of ["two", "three", "four", "five"]) await ask(key);
    expect(await refusal(ask("six"))).toMatchObject({
      code: "ResourceExhausted",
      reason: "too_many_reports",
    });
    expect((await ask("one")).report!.id).toBe(same[0]!.report!.id);
    const jobs = await world.sql`select 1 from weft_outbox where subject like '%analytics_processing%'
      and encode(data, 'escape') like ${`%${same[0]!.report!.id}%`}`;
    expect(jobs).toHaveLength(1);
    const [first, second] = [
      await api.listReports({ pageSize: 3 }),
      await api.listReports({
        pageSize: 3,
        pageToken: (await api.listReports({ pageSize: 3 })).nextPageToken,
      }),
    ];
    expect([...first.reports, ...second.reports].map(({ id }) => id)).toHaveLength(5);
    expect(second.nextPageToken).toBe("");
  });
});
