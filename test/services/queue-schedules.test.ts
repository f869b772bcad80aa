import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { newId } from "#mesh";
import type { QueueWorld } from "./queue-world.ts";
import { createQueueWorld, developer, emailType, eventually, failure, manager } from "./queue-world.ts";

let world: QueueWorld;
beforeAll(async () => {
  world = await createQueueWorld();
});
// Early in a minute, so that none begins but when the test lets it.
beforeEach(() => world.clock.pass(nextMinute(world.clock.now()) + 1000 - world.clock.now()));
afterEach(() => world.clear());
afterAll(() => world[Symbol.asyncDispose]());

const minuteMs = 60_000;
let count = 0;
const payload = () => ({ notificationId: newId() });
const create = async (more: object = {}) => {
  const request = {
    name: `schedule ${++count}`,
    cron: "* * * * *",
    type: emailType,
    payload: payload(),
    ...more,
  };
  return (await world.schedules().createSchedule(request)).schedule!;
};
const jobsOf = (scheduleId: string) =>
  world.sql`select id, planned_at, priority, source from jobs where schedule_id = ${scheduleId} order by planned_at`;
const read = async (id: string) => (await world.schedules().getSchedule({ id })).schedule!;
/** The first minute that begins after this. */
const nextMinute = (ms: number) => Math.floor(ms / minuteMs) * minuteMs + minuteMs;

describe("a schedule", () => {
  test("makes a job when its time comes, and again when it comes again", async () => {
    const made = await create({ priority: 3 });
    expect(timestampDate(made.nextRunAt!).getTime()).toBe(nextMinute(world.clock.now()));
    expect(await jobsOf(made.id)).toHaveLength(0);
    for (let n = 1; n <= 2; n++) {
      world.clock.pass(minuteMs);
      await eventually(async () => (await jobsOf(made.id)).length).toBe(n);
    }
    const [job] = await jobsOf(made.id);
    expect(job).toMatchObject({ priority: 3, source: "queue", planned_at: timestampDate(made.nextRunAt!) });
    const claimed = await world.claimOne();
    expect(await world.job(claimed.id)).toMatchObject({ scheduleId: made.id, payload: made.payload });
    const after = await read(made.id);
    expect(timestampDate(after.nextRunAt!).getTime()).toBe(nextMinute(world.clock.now()));
    expect(after.lastRunAt).toBeDefined();
  });

  test("makes each job once, however many replicas there are", async () => {
    await world.startReplica();
    await world.startReplica();
    const made = await Promise.all(Array.from({ length: 25 }, () => create()));
    for (let round = 1; round <= 3; round++) {
      world.clock.pass(minuteMs);
      await eventually(async () => {
        const rows = await world.sql`
          select schedule_id from jobs group by schedule_id having count(*) = ${round}`;
        return rows.length;
      }).toBe(made.length);
    }
    expect(
      await world.sql`
      select 1 from jobs group by schedule_id, planned_at having count(*) > 1`,
    ).toHaveLength(0);
  });

  test("that was missed for long runs once, and then in its time", async () => {
    const made = await create();
    world.clock.pass(90 * minuteMs);
    await eventually(async () => (await jobsOf(made.id)).length).toBe(1);
    await eventually(async () => timestampDate((await read(made.id)).nextRunAt!).getTime()).toBe(
      nextMinute(world.clock.now()),
    );
    expect(await jobsOf(made.id)).toHaveLength(1);
  });

  test("that is paused makes none, and none of those that passed when it goes on", async () => {
    const made = await create();
    const paused = (await world.schedules().updateSchedule({ id: made.id, paused: true })).schedule;
    expect(paused).toMatchObject({ paused: true });
    expect(paused?.nextRunAt).toBeUndefined();
    world.clock.pass(10 * minuteMs);
    const { schedule } = await world.schedules().updateSchedule({ id: made.id, paused: false });
    expect(timestampDate(schedule!.nextRunAt!).getTime()).toBe(nextMinute(world.clock.now()));
    expect(await jobsOf(made.id)).toHaveLength(0);
  });

  test("that can no longer be reckoned is paused, and the others go on", async () => {
    const lost = await create({ name: "lost zone", cron: "* * * * *" });
    const well = await create({ name: "well", cron: "* * * * *" });
    await world.sql`update schedules set time_zone = 'Mars/Olympus' where id = ${lost.id}`;
    world.clock.pass(minuteMs);
    await eventually(async () => (await jobsOf(well.id)).length).toBe(1);
    expect((await world.schedules().getSchedule({ id: lost.id })).schedule).toMatchObject({ paused: true });
  });

  test("that is deleted leaves its jobs", async () => {
    const made = await create();
    world.clock.pass(minuteMs);
    await eventually(async () => (await jobsOf(made.id)).length).toBe(1);
    await world.schedules().deleteSchedule({ id: made.id });
    expect(await jobsOf(made.id)).toHaveLength(1);
    expect((await failure(world.schedules().getSchedule({ id: made.id }))).reason).toBe("schedule_not_found");
  });

  test("keeps what an update does not name", async () => {
    const made = await create({ cron: "0 6 * * *", timeZone: "Africa/Nairobi", priority: 2 });
    const { schedule } = await world.schedules().updateSchedule({ id: made.id, cron: "0 7 * * *" });
    expect(schedule).toMatchObject({
      cron: "0 7 * * *",
      timeZone: "Africa/Nairobi",
      priority: 2,
      payload: made.payload,
    });
    // Nairobi is three hours ahead of UTC, all year.
    expect(timestampDate(schedule!.nextRunAt!).toISOString()).toMatch(/T04:00:00/);
    const other = payload();
    const changed = await world.schedules().updateSchedule({ id: made.id, payload: other });
    expect(changed.schedule).toMatchObject({ payload: other, nextRunAt: schedule!.nextRunAt });
  });
});

describe("schedules", () => {
  test("are refused with what is wrong with them", async () => {
    const refusal = (more: object) => failure(create(more));
    expect(await refusal({ cron: "61 * * * *" })).toMatchObject({
      reason: "bad_cron",
      code: Code.InvalidArgument,
    });
    const zone = await refusal({ timeZone: "Mars/Olympus" });
    expect(zone).toMatchObject({ reason: "bad_time_zone", code: Code.InvalidArgument });
    expect(zone.message).toMatch(/use an IANA name/);
    expect((await refusal({ type: "a.b.C" })).reason).toBe("unknown_job_type");
    expect((await refusal({ payload: { notificationId: "x" } })).reason).toBe("contract_violation");
    const { name, id } = await create();
    expect(await refusal({ name })).toMatchObject({ reason: "schedule_exists", code: Code.AlreadyExists });
    const update = world.schedules().updateSchedule({ id, cron: "never" });
    expect((await failure(update)).reason).toBe("bad_cron");
  });

  test("are listed by name, each once, in any page size", async () => {
    const names = ["b", "a", "d", "c"];
    for (const name of names) await create({ name });
    for (const pageSize of [1, 3, 4]) {
      const found: string[] = [];
      let pageToken = "";
      do {
        const page = await world.schedules().listSchedules({ pageSize, pageToken });
        found.push(...page.schedules.map((it) => it.name));
        pageToken = page.nextPageToken;
      } while (pageToken);
      expect(found).toEqual([...names].sort());
    }
  });

  test("are read with queue:read, and changed with queue:write alone", async () => {
    const { id } = await create();
    const reader = world.schedules({ user: manager });
    await reader.getSchedule({ id });
    await reader.listSchedules({});
    const name = "not yours";
    const request = { name, cron: "* * * * *", type: emailType, payload: payload() };
    for (const call of [
      () => reader.createSchedule(request),
      () => reader.updateSchedule({ id, paused: true }),
      () => reader.deleteSchedule({ id }),
    ]) {
      expect((await failure(call())).code).toBe(Code.PermissionDenied);
    }
    await world.schedules({ user: developer }).createSchedule(request);
    await world.schedules({ user: developer }).deleteSchedule({ id });
  });
});
