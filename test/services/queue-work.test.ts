import { toBinary } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { JobRequestSchema } from "#gen/mesh/v1/jobs_pb.js";
import { newId } from "#mesh";
import type { QueueWorld } from "./queue-world.ts";
import {
  createQueueWorld,
  done,
  emailPayload,
  emailQueue,
  emailType,
  eventually,
  failed,
  givenBack,
  service,
} from "./queue-world.ts";

let world: QueueWorld;
beforeAll(async () => {
  world = await createQueueWorld();
});
afterEach(() => world.clear());
afterAll(() => world[Symbol.asyncDispose]());

const secondMs = 1000;

describe("a job that a service published", () => {
  test("is claimed with all it came with, done, and then done for good", async () => {
    const request = await world.publish({
      idempotencyKey: "k1",
      userId: "u1",
      correlationId: "c1",
      traceparent: "t1",
    });
    const job = await world.claimOne();
    expect(job).toMatchObject({
      id: request.id,
      type: emailType,
      attempt: 1,
      try: 1,
      maxAttempts: 3,
      timeout: { seconds: 60n },
      lease: { seconds: 30n },
      idempotencyKey: "k1",
      userId: "u1",
      correlationId: "c1",
      traceparent: "t1",
    });
    expect(Buffer.from(job.payload)).toEqual(Buffer.from(request.payload));
    expect(await world.status(job.id)).toBe("RUNNING");
    expect(await world.claim()).toEqual([]);
    expect(await world.settle(job, done)).toEqual([]);
    expect(await world.status(job.id)).toBe("DONE");
    expect(await world.claim()).toEqual([]);
  });

  test("is for its worker alone to prolong and settle: another service that knows its name has lost it", async () => {
    await world.enqueue();
    const job = await world.claimOne("worker-1");
    const held = { id: job.id, attempt: job.attempt };
    const stranger = world.work(service("order"));
    expect((await stranger.extend({ worker: "worker-1", jobs: [{ held, percent: 99 }] })).lost).toHaveLength(
      1,
    );
    for (const outcome of [done, failed("forged", { terminal: true }), givenBack]) {
      const { lost } = await stranger.settle({ worker: "worker-1", jobs: [{ held, outcome }] });
      expect(lost).toMatchObject([held]);
    }
    expect((await world.job(job.id)).progress).toBeUndefined();
    expect(await world.settle(job, done)).toEqual([]);
  });

  test("is taken in once, however often it comes, and once for each idempotency key", async () => {
    const first = await world.enqueue({ idempotencyKey: "the same" });
    const id = first.id;
    await world.publishRaw(`jobs.${emailQueue}`, toBinary(JobRequestSchema, first));
    await world.publish({ idempotencyKey: "the same" });
    const last = await world.enqueue();
    const rows = await world.sql`select id from jobs order by id`;
    expect(rows.map((it) => it.id)).toEqual([id, last.id]);
  });

  test("waits for its time", async () => {
    const runAt = timestampFromMs(world.clock.now() + 60 * secondMs);
    await world.enqueue({ runAt });
    const { jobs, nextDueAt } = await world
      .work()
      .claim({ worker: "w", rooms: [{ type: emailType, places: 5 }] });
    expect(jobs).toEqual([]);
    expect(nextDueAt).toEqual(runAt);
    world.clock.pass(61 * secondMs);
    await world.claimOne();
  });
});

describe("claiming", () => {
  test("gives what is more urgent first, then what was due first", async () => {
    const low = await world.enqueue({ priority: -5 });
    const first = await world.enqueue();
    const second = await world.enqueue();
    const high = await world.enqueue({ priority: 7 });
    const ids = (await world.claim("w", 3)).map(({ id }) => id);
    expect(ids).toEqual([high.id, first.id, second.id]);
    expect((await world.claim("w", 3)).map(({ id }) => id)).toEqual([low.id]);
  });

  test("gives only types that there is room for, and no more of each than that", async () => {
    const push = "notification.v1.DeliverPush";
    for (let i = 0; i < 3; i++) {
      await world.publish();
      await world.publish({ type: push });
    }
    await world.enqueue({ type: "notification.v1.DeliverSms" });
    await eventually(async () => (await world.sql`select 1 from jobs`).length).toBe(7);
    const { jobs } = await world.work().claim({
      worker: "w",
      rooms: [
        { type: emailType, places: 2 },
        { type: push, places: 5 },
      ],
    });
    expect(jobs.map(({ type }) => type).sort()).toEqual([emailType, emailType, push, push, push]);
  });

  test("gives each job to one only, however many claim at once, over all replicas", async () => {
    const replica = await world.startReplica();
    const many = 60;
    await Promise.all(Array.from({ length: many }, () => world.publish()));
    await eventually(async () => (await world.sql`select 1 from jobs`).length).toBe(many);
    const call = { caller: service("notification") } as never;
    const claims = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const request = { worker: `w${n}`, rooms: [{ type: emailType, places: 7 }] };
        if (n % 2 === 0) return (await world.work().claim(request)).jobs ?? [];
        return (await replica.work.claim(request as never, call)).jobs ?? [];
      }),
    );
    const ids = claims.flat().map(({ id }) => id);
    expect(ids).toHaveLength(many);
    expect(new Set(ids).size).toBe(many);
  });

  test("keeps to the bound of a queue, also when many claim at once", async () => {
    await world.enqueue();
    await world.queue().updateQueue({ name: emailQueue, concurrency: 3 });
    for (let i = 0; i < 9; i++) await world.publish();
    await eventually(async () => (await world.sql`select 1 from jobs`).length).toBe(10);
    const claims = await Promise.all(Array.from({ length: 8 }, (_, n) => world.claim(`w${n}`, 2)));
    const jobs = claims.flat();
    expect(jobs).toHaveLength(3);
    const [first] = jobs;
    const worker = `w${claims.findIndex((it) => it.includes(first!))}`;
    expect(await world.claim("w9", 5)).toEqual([]);
    await world.settle(first!, done, worker);
    expect(await world.claim("w9", 5)).toHaveLength(1);
  });

  test("gives nothing of a paused queue until it is resumed", async () => {
    await world.enqueue();
    await world.queue().updateQueue({ name: emailQueue, paused: true });
    expect(await world.claim()).toEqual([]);
    await world.queue().updateQueue({ name: emailQueue, paused: false });
    expect(await world.claim()).toHaveLength(1);
  });

  test("gives no more at once than an answer holds, and says that there is more", async () => {
    const payload = new Uint8Array(500 * 1024);
    for (let i = 0; i < 6; i++) await world.publish({ payload });
    await eventually(async () => (await world.sql`select 1 from jobs`).length).toBe(6);
    const rooms = [{ type: emailType, places: 10 }];
    const first = await world.work().claim({ worker: "w", rooms });
    expect(first.more).toBe(true);
    expect(first.jobs).toHaveLength(4);
    const second = await world.work().claim({ worker: "w", rooms });
    expect(second).toMatchObject({ more: false });
    expect(second.jobs).toHaveLength(2);
  });

  test("tells idle workers when something is due", async () => {
    const told: string[] = [];
    const { nats } = world.setup;
    const heard = nats.connection.subscribe(nats.subject("jobs.ready.*"), {
      callback: (_, message) => void told.push(message.subject),
    });
    await world.enqueue();
    await eventually(() => told).toContain(nats.subject(`jobs.ready.${emailQueue}`));
    heard.unsubscribe();
  });
});

describe("settling", () => {
  test("a failure is tried again after a pause that doubles, until it is dead", async () => {
    const { id } = await world.enqueue({ maxAttempts: 3, backoff: { seconds: 10n, nanos: 0 } });
    for (const pauseMs of [10, 20].map((it) => it * secondMs)) {
      const job = await world.claimOne();
      const before = world.clock.now();
      expect(await world.settle(job, failed("it broke", { stack: "at here" }))).toEqual([]);
      const after = world.clock.now();
      const runAtMs = timestampMs((await world.job(id)).runAt!);
      expect(runAtMs).toBeGreaterThanOrEqual(before + pauseMs);
      expect(runAtMs).toBeLessThanOrEqual(after + pauseMs);
      expect(await world.claim()).toEqual([]);
      world.clock.pass(pauseMs + secondMs);
    }
    const last = await world.claimOne();
    expect(last).toMatchObject({ attempt: 3, try: 3 });
    await world.settle(last, failed("for the last time"));
    expect(await world.job(id)).toMatchObject({ status: 4, error: "for the last time", attempts: 3 });
  });

  test("a failure that is terminal is dead at once", async () => {
    const { id } = await world.enqueue();
    await world.settle(await world.claimOne(), failed("no such address", { terminal: true }));
    expect(await world.status(id)).toBe("DEAD");
  });

  test("the same again is no loss, and another outcome is", async () => {
    await world.enqueue();
    const job = await world.claimOne();
    const held = { id: job.id, attempt: job.attempt };
    expect(await world.settle(job, done)).toEqual([]);
    expect(await world.settle(job, done)).toEqual([]);
    expect(await world.settle(job, failed())).toEqual([held]);
    expect(await world.settle(job, givenBack)).toEqual([held]);
    expect(await world.status(job.id)).toBe("DONE");
    expect(await world.metrics()).toMatch(/weft_jobs_total\{[^}]*outcome="done"[^}]*\} \d/);
  });

  test("what is given back is there at once and has lost no attempt, but its old lease settles nothing", async () => {
    const { id } = await world.enqueue({ maxAttempts: 1 });
    const first = await world.claimOne("a");
    expect(await world.settle(first, givenBack, "a")).toEqual([]);
    const second = await world.claimOne("b");
    expect(second).toMatchObject({ id, attempt: 2, try: 1 });
    // A call that was repeated on its way.
    expect(await world.settle(first, givenBack, "a")).toEqual([]);
    expect(await world.settle(first, done, "a")).toEqual([{ id, attempt: 1 }]);
    expect(await world.status(id)).toBe("RUNNING");
    expect(await world.settle(second, failed(), "b")).toEqual([]);
    expect(await world.status(id)).toBe("DEAD");
  });

  test("nobody settles or extends what another holds", async () => {
    const { id } = await world.enqueue();
    const job = await world.claimOne("a");
    expect(await world.settle(job, done, "b")).toEqual([{ id, attempt: 1 }]);
    expect(await world.extend(job, {}, "b")).toEqual([{ id, attempt: 1 }]);
    expect(await world.extend({ ...job, attempt: 7 }, {}, "a")).toEqual([{ id, attempt: 7 }]);
    expect(await world.settle({ ...job, id: newId() }, done, "a")).toHaveLength(1);
    expect(await world.settle(job, done, "a")).toEqual([]);
  });

  test("many at once, of all kinds, each for itself", async () => {
    for (let i = 0; i < 9; i++) await world.publish();
    await eventually(async () => (await world.sql`select 1 from jobs`).length).toBe(9);
    const jobs = await world.claim("w", 9);
    const outcomes = [done, failed("x", { terminal: true }), givenBack];
    const { lost } = await world.work().settle({
      worker: "w",
      jobs: jobs.map(({ id, attempt }, n) => ({ held: { id, attempt }, outcome: outcomes[n % 3]! })),
    });
    expect(lost).toEqual([]);
    const states = await world.sql`select state, count(*)::int as n from jobs group by state order by state`;
    expect(states.map(({ state, n }) => [state, n])).toEqual([
      ["dead", 3],
      ["done", 3],
      ["ready", 3],
    ]);
  });

  test("texts that PostgreSQL does not take are made such as it takes", async () => {
    const { id } = await world.enqueue();
    const job = await world.claimOne();
    await world.extend(job, { note: "half\0way" });
    await world.settle(job, failed("nul \0 here", { stack: "\0", terminal: true }));
    expect((await world.job(id)).error).toBe("nul \u{fffd} here");
  });
});

describe("a lease", () => {
  test("that is not extended ends: the attempt failed, and others get the job", async () => {
    const { id } = await world.enqueue({ backoff: { seconds: 1n, nanos: 0 } });
    const job = await world.claimOne("a");
    world.clock.pass(31 * secondMs);
    await eventually(() => world.status(id)).toBe("WAITING");
    expect((await world.job(id)).error).toMatch(/worker lost/);
    expect(await world.settle(job, done, "a")).toEqual([{ id, attempt: 1 }]);
    expect(await world.extend(job, {}, "a")).toEqual([{ id, attempt: 1 }]);
    world.clock.pass(2 * secondMs);
    expect(await world.claimOne("b")).toMatchObject({ id, attempt: 2, try: 2 });
  });

  test("that is extended lasts, and shows how far the job is", async () => {
    const { id } = await world.enqueue();
    const job = await world.claimOne();
    for (const percent of [20, 50]) {
      world.clock.pass(20 * secondMs);
      expect(await world.extend(job, { percent, note: `at ${percent}` })).toEqual([]);
    }
    expect(await world.job(id)).toMatchObject({
      status: 2,
      progress: 50,
      progressNote: "at 50",
      worker: "worker-1",
    });
  });

  test("ends with the time of the attempt, however often it is extended", async () => {
    const { id } = await world.enqueue({ maxAttempts: 1, timeout: { seconds: 40n, nanos: 0 } });
    const job = await world.claimOne();
    world.clock.pass(25 * secondMs);
    expect(await world.extend(job)).toEqual([]);
    world.clock.pass(16 * secondMs);
    expect(await world.extend(job)).toEqual([{ id, attempt: 1 }]);
    world.clock.pass(3 * secondMs);
    await eventually(() => world.status(id)).toBe("DEAD");
    expect((await world.job(id)).error).toMatch(/timed out/);
  });
});

describe("cancelling and retrying", () => {
  test("what is cancelled while it runs is lost to its worker, whatever it tells", async () => {
    const { id } = await world.enqueue();
    const job = await world.claimOne();
    await world.queue().cancelJob({ id });
    await world.queue().cancelJob({ id });
    expect(await world.extend(job)).toEqual([{ id, attempt: 1 }]);
    expect(await world.settle(job, done)).toEqual([{ id, attempt: 1 }]);
    expect(await world.status(id)).toBe("CANCELLED");
  });

  test("what is cancelled while it waits is never claimed", async () => {
    const { id } = await world.enqueue();
    await world.queue().cancelJob({ id });
    expect(await world.claim()).toEqual([]);
    expect(await world.status(id)).toBe("CANCELLED");
  });

  test("a retry gives all attempts anew, and no old lease settles the new one", async () => {
    const { id } = await world.enqueue({ maxAttempts: 1 });
    const old = await world.claimOne();
    await world.queue().cancelJob({ id });
    await world.queue().retryJob({ id });
    await world.queue().retryJob({ id });
    const fresh = await world.claimOne();
    expect(fresh).toMatchObject({ id, attempt: 2, try: 1 });
    expect(await world.settle(old, done)).toEqual([{ id, attempt: 1 }]);
    expect(await world.status(id)).toBe("RUNNING");
    expect(await world.settle(fresh, done)).toEqual([]);
  });
});

test("an idempotency key holds for its type alone", async () => {
  await world.enqueue({ idempotencyKey: "x", payload: emailPayload() });
  await world.enqueue({ idempotencyKey: "x", type: "notification.v1.DeliverSms" });
  expect((await world.sql`select 1 from jobs`).length).toBe(2);
});

test("each job is done once, whatever its workers tell, repeat and give back, on two replicas at once", async () => {
  const replica = await world.startReplica();
  const call = { caller: service("notification") } as never;
  const many = 40;
  for (let i = 0; i < many; i++)
    await world.publish({ maxAttempts: 100, backoff: { seconds: 0n, nanos: 0 } });
  const settled = new Map<string, number>();

  const run = async (n: number) => {
    const worker = `w${n}`;
    const rooms = [{ type: emailType, places: 3 }];
    // Chance that is the same each time: what a job is told depends on its lease.
    const outcomeOf = (attempt: number) =>
      attempt % 3 === n % 3 ? done : attempt % 2 ? failed() : givenBack;
    while (settled.size < many) {
      const claimed =
        n % 2
          ? await world.work().claim({ worker, rooms })
          : await replica.work.claim({ worker, rooms } as never, call);
      const jobs = (claimed.jobs ?? []).map(({ id = "", attempt = 0 }) => ({
        held: { id, attempt },
        outcome: outcomeOf(attempt),
      }));
      if (jobs.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      // Told twice, as by a call that was repeated on its way.
      const answers = await Promise.all([1, 2].map(() => world.work().settle({ worker, jobs })));
      for (const { held, outcome } of jobs) {
        const lost = answers.some((it) => it.lost.some(({ id }) => id === held.id));
        expect(lost).toBe(false);
        if (outcome === done) settled.set(held.id, (settled.get(held.id) ?? 0) + 1);
      }
    }
  };
  await Promise.all([0, 1, 2, 3].map(run));
  expect([...settled.values()].every((times) => times === 1)).toBe(true);
  const rows = await world.sql`select state, history, lease from jobs`;
  expect(rows).toHaveLength(many);
  for (const { state, history, lease } of rows) {
    expect(state).toBe("done");
    expect(history).toHaveLength(lease);
    expect(history).toMatch(/^[fg]*d$/);
  }
});
