import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "#mesh";
import type { Fact } from "../../services/analytics/facts/fact.ts";
import { addUpPeople, addUpSums } from "../../services/analytics/facts-store.ts";
import { lockFigures } from "../../services/analytics/figures-lock.ts";
import { createPartitions } from "../../services/analytics/partitions.ts";
import { quarterMs } from "../../services/analytics/rollup-lines.ts";
import type { AnalyticsWorld } from "./analytics-world.ts";
import { createAnalyticsWorld, dayMs, eventually, factWith, seller } from "./analytics-world.ts";

let world: AnalyticsWorld;
beforeAll(async () => {
  world = await createAnalyticsWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const everybody = "00000000-0000-0000-0000-000000000000";
const [users, owners] = [
  [newId(), newId(), newId()],
  [newId(), newId()],
];
const start = Math.floor(Date.now() / dayMs) * dayMs - 40 * dayMs;

const fact: fc.Arbitrary<Fact> = fc
  .record({
    // Few, so that many meet in one bucket, on one day and over a month's end.
    minutes: fc.constantFrom(0, 1, 14, 15, 1439, 1440, 35 * 1440, 35 * 1440 + 14),
    metric: fc.constantFrom("orders_paid", "logins", "tracked.page_viewed"),
    userId: fc.constantFrom(null, ...users),
    ownerId: fc.constantFrom(null, ...owners),
    subjectId: fc.constantFrom("", "a", "b"),
    amount: fc.option(fc.bigInt({ min: 0n, max: 10n ** 12n }), { nil: null }),
    value: fc.option(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { nil: null }),
    tags: fc.uniqueArray(fc.constantFrom("x", "y", "z")),
  })
  .map(({ minutes, subjectId, amount, ...rest }) =>
    factWith({
      ...rest,
      occurredAt: new Date(start + minutes * 60_000),
      subjectType: subjectId && "post",
      subjectId,
      amount,
      currency: amount === null ? "" : "GHS",
    }),
  );

/** How often each line should be counted, added up in the plainest way. */
function model(facts: readonly Fact[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const it of facts) {
    const bucket = Math.floor(it.occurredAt.getTime() / quarterMs) * quarterMs;
    const subjects = [
      " ",
      ...(it.subjectType ? [`${it.subjectType} ${it.subjectId}`] : []),
      ...it.tags.map((tag) => `# ${tag}`),
    ];
    for (const owner of [everybody, ...(it.ownerId ? [it.ownerId] : [])]) {
      for (const subject of subjects) {
        const key = `${bucket} ${owner} ${subject} ${it.metric} ${it.currency}`;
        counts[key] = (counts[key] ?? 0) + 1;
      }
    }
  }
  return counts;
}

const shape = ({ rollups, active, seen }: Awaited<ReturnType<AnalyticsWorld["sums"]>>) => ({
  rollups: rollups.map((it) => JSON.stringify({ ...it, sum: Number(it.sum) })),
  active: active.map((it) => JSON.stringify(it)),
  seen: seen.map((it) => JSON.stringify(it)),
});

test("in whatever order, however often and however late facts come, sums are what they add up to", {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fact, { minLength: 1, maxLength: 40 }).chain((facts) =>
        fc.record({
          facts: fc.constant(facts),
          // Some come twice, all of them in any order.
          coming: fc
            .subarray(facts)
            .chain((twice) =>
              fc.shuffledSubarray([...facts, ...twice], { minLength: facts.length + twice.length }),
            ),
          size: fc.integer({ min: 1, max: 10 }),
          together: fc.boolean(),
        }),
      ),
      async ({ facts, coming, size, together }) => {
        await world.sql`truncate facts, rollups, active, seen`;
        const batches = Array.from({ length: Math.ceil(coming.length / size) }, (_, at) =>
          coming.slice(at * size, (at + 1) * size),
        );
        const counted: number[] = [];
        if (together) counted.push(...(await Promise.all(batches.map((it) => world.count(it)))));
        else for (const it of batches) counted.push(await world.count(it));
        expect(counted.reduce((all, it) => all + it, 0)).toBe(facts.length);

        const added = await world.sums();
        expect(
          Object.fromEntries(
            added.rollups.map((it) => [
              `${it.bucket.getTime()} ${it.owner_id} ${it.subject_type} ${it.subject_id} ${it.metric} ${it.currency}`,
              Number(it.count),
            ]),
          ),
        ).toEqual(model(facts));

        await world.setup.db.transaction(async (tx) => {
          await lockFigures(tx);
          await addUpSums(tx, new Date(start), new Date(start + 41 * dayMs));
          await addUpPeople(tx, new Date(start), new Date(start + 41 * dayMs));
        });
        expect(shape(await world.sums())).toEqual(shape(added));
      },
    ),
    { numRuns: 15 },
  );
});

test("partitions are made ahead, by several at once, and dropped a month at a time", async () => {
  const months = async (table: string) =>
    (
      await world.sql<{ name: string }[]>`
        select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = ${table}::regclass order by 1`
    ).map(({ name }) => name.slice(table.length + 1));
  const now = () => Date.parse("2041-11-20T00:00:00Z");
  const several = Array.from({ length: 4 }, () => createPartitions(world.setup.db, now));
  await Promise.all(several.map((it) => it.prepare()));
  for (const table of ["facts", "rollups", "active"]) {
    expect(await months(table)).toEqual(expect.arrayContaining(["2041_11", "2041_12", "2042_01"]));
  }
  const [first] = several;
  await first!.prepare();
  expect(await first!.dropBefore(new Date("2041-12-01T00:00:00Z"))).toBeGreaterThan(0);
  expect(await months("facts")).toEqual(["2041_12", "2042_01"]);
  // What comes after is made anew.
  await world.count([factWith({ metric: "logins" })]);
  expect(await world.counted("logins")).toBe(1);
});

test("a partition that is being read is left for the next time", async () => {
  await world.count([factWith({ occurredAt: new Date(start) })]);
  const reading = Promise.withResolvers<void>();
  const read = Promise.withResolvers<void>();
  const reader = world.sql.begin(async (tx) => {
    await tx`select count(*) from facts`;
    reading.resolve();
    await read.promise;
  });
  await reading.promise;
  const { dropBefore } = createPartitions(world.setup.db, world.clock.now);
  const cutoff = new Date(start + 32 * dayMs);
  await dropBefore(cutoff);
  expect((await world.sql`select 1 from facts`).length).toBeGreaterThan(0);
  read.resolve();
  await reader;
  await dropBefore(cutoff);
  expect(await world.sql`select 1 from facts where occurred_at < ${new Date(start + dayMs)}`).toHaveLength(0);
});

test("what is older than is kept is not counted", async () => {
  const { id: ownerId } = seller();
  const old = factWith({ ownerId, occurredAt: new Date(world.clock.now() - 401 * dayMs) });
  expect(await world.count([old, factWith({ ownerId })])).toBe(1);
});

test("months that are over for as long as figures are kept go by themselves", async () => {
  const occurredAt = new Date(world.clock.now() - 390 * dayMs);
  await world.count([factWith({ occurredAt })]);
  const there = async () => (await world.sql`select 1 from facts where occurred_at = ${occurredAt}`).length;
  expect(await there()).toBe(1);
  world.clock.pass(60 * dayMs);
  await eventually(there).toBe(0);
});
