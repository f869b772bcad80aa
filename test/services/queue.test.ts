import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { JobStatus } from "#gen/queue/v1/queue_pb.js";
import { newId } from "#mesh";
import { publishContracts } from "#mesh/discovery/contracts-bucket.ts";
import { purge } from "../../services/queue/purge.ts";
import { probeContracts } from "../../services/queue/testing/probe-job.ts";
import type { QueueWorld } from "./queue-world.ts";
import {
  createQueueWorld,
  developer,
  done,
  emailQueue,
  emailType,
  eventually,
  failed,
  failure,
  manager,
  operator,
  service,
  userWith,
} from "./queue-world.ts";

let world: QueueWorld;
beforeAll(async () => {
  world = await createQueueWorld();
});
afterEach(() => world.clear());
afterAll(() => world[Symbol.asyncDispose]());

const minuteMs = 60_000;
const nobody = newId();

describe("making a job", () => {
  test("puts it where its contract says, as its contract says", async () => {
    const notificationId = newId();
    const { job } = await world
      .queue({ user: developer })
      .createJob({ type: emailType, payload: { notificationId } });
    expect(job).toMatchObject({
      type: emailType,
      queue: emailQueue,
      status: JobStatus.WAITING,
      attempts: 0,
      maxAttempts: 8,
      timeout: { seconds: 60n },
      userId: developer.id,
      payload: { notificationId },
    });
    const claimed = await world.claimOne();
    expect(claimed).toMatchObject({ id: job?.id, userId: developer.id });
    await world.settle(claimed, done);
    expect(await world.job(claimed.id)).toMatchObject({ status: JobStatus.DONE, attempts: 1, worker: "" });
  });

  test("takes the caller's word over the contract's, for later, once for a key", async () => {
    const more = {
      delay: { seconds: 60n, nanos: 0 },
      priority: 9,
      maxAttempts: 2,
      timeout: { seconds: 5n, nanos: 0 },
    };
    const first = await world.create(undefined, { ...more, idempotencyKey: "once" });
    expect(first).toMatchObject({
      priority: 9,
      maxAttempts: 2,
      timeout: { seconds: 5n },
      idempotencyKey: "once",
    });
    const second = await world.create(undefined, { idempotencyKey: "once" });
    expect(second.id).toBe(first.id);
    expect(await world.claim()).toEqual([]);
    world.clock.pass(minuteMs + 1000);
    expect((await world.claimOne()).id).toBe(first.id);
  });

  test("is refused with what is wrong", async () => {
    const create = (more: object) => failure(world.queue().createJob({ type: emailType, ...more }));
    const unknown = await create({ type: "notification.v1.SendPigeon" });
    expect(unknown).toMatchObject({ reason: "unknown_job_type", code: Code.NotFound });
    expect(unknown.message).toMatch(/notification\.v1\.DeliverEmail/);
    expect(await create({ payload: { notification: "x" } })).toMatchObject({ reason: "bad_payload" });
    const broken = await create({ payload: { notificationId: "x" } });
    expect(broken).toMatchObject({ reason: "contract_violation", code: Code.InvalidArgument });
    expect(broken.message).toMatch(/payload: notification_id/);
    const payload = { notificationId: newId() };
    const both = await create({ payload, runAt: timestampFromMs(0), delay: { seconds: 1n, nanos: 0 } });
    expect(both.reason).toBe("two_times");
    expect((await create({ payload, idempotencyKey: "\0" })).reason).toBe("bad_idempotency_key");
  });

  test("knows the jobs of services as soon as they publish their contracts, and hides what is personal", async () => {
    await publishContracts(world.setup.nats, probeContracts().set);
    const payload = { text: "hello", pin: 1234, whom: { id: "1", email: "a@example.com" } };
    let id = "";
    await eventually(async () => {
      try {
        id = (await world.queue().createJob({ type: "probe.v1.Greet", payload })).job?.id ?? "";
        return "made";
      } catch (error) {
        return String(error);
      }
    }).toBe("made");
    const job = await world.job(id);
    expect(job).toMatchObject({ queue: "probes", maxAttempts: 2 });
    expect(job.payload).toEqual({ text: "hello", pin: "[redacted]", whom: { id: "1", email: "[redacted]" } });
    expect((await world.queue().listJobs({ queue: "probes" })).jobs[0]?.payload).toBeUndefined();
  });
});

describe("listing jobs", () => {
  test("gives each once, newest first, in any page size", async () => {
    const made: string[] = [];
    for (let i = 0; i < 7; i++) {
      world.clock.pass(1);
      made.unshift((await world.create()).id);
    }
    for (const pageSize of [1, 3, 6, 7, 8]) {
      const found: string[] = [];
      let pageToken = "";
      do {
        const page = await world.queue().listJobs({ pageSize, pageToken });
        found.push(...page.jobs.map(({ id }) => id));
        pageToken = page.nextPageToken;
      } while (pageToken);
      expect(found).toEqual(made);
    }
    const token = Buffer.from(JSON.stringify(["x"])).toString("base64url");
    expect((await failure(world.queue().listJobs({ pageToken: token }))).reason).toBe("bad_page_token");
  });

  test("can be by queue, by type and by status", async () => {
    const later = await world.create(undefined, { delay: { seconds: 60n, nanos: 0 } });
    const push = (
      await world
        .queue()
        .createJob({ type: "notification.v1.DeliverPush", payload: { notificationId: newId() } })
    ).job!;
    const ran = await world.create();
    await world.claimOne();
    const idsOf = async (filter: object) =>
      (await world.queue().listJobs(filter)).jobs.map(({ id }) => id).sort();
    expect(await idsOf({ queue: emailQueue })).toEqual([later.id, push.id, ran.id].sort());
    expect(await idsOf({ queue: "nothing_here" })).toEqual([]);
    expect(await idsOf({ type: emailType })).toEqual([later.id, ran.id].sort());
    expect(await idsOf({ status: JobStatus.WAITING })).toEqual([later.id, push.id].sort());
    expect(await idsOf({ status: JobStatus.RUNNING, type: emailType })).toEqual([ran.id]);
  });
});

test("text that PostgreSQL does not take finds nothing, and breaks nothing", async () => {
  expect((await world.queue().listJobs({ queue: "\0", type: "\0" })).jobs).toEqual([]);
  expect((await world.queue().listDeadLetters({ service: "\0", consumer: "\0" })).deadLetters).toEqual([]);
  expect((await world.work().claim({ worker: "\0", rooms: [{ type: "\0", places: 1 }] })).jobs).toEqual([]);
});

describe("a job that is over", () => {
  test("cannot be cancelled, and one that is done cannot be retried", async () => {
    const { id } = await world.create();
    await world.settle(await world.claimOne(), done);
    expect(await failure(world.queue().cancelJob({ id }))).toMatchObject({
      reason: "job_is_over",
      code: Code.FailedPrecondition,
    });
    expect((await failure(world.queue().retryJob({ id }))).reason).toBe("job_is_done");
    for (const call of ["getJob", "cancelJob", "retryJob"] as const) {
      expect((await failure(world.queue()[call]({ id: nobody }))).reason).toBe("job_not_found");
    }
  });

  test("is removed when its time is over, and a failed one later", async () => {
    const over = await world.create();
    await world.settle(await world.claimOne(), done);
    const dead = await world.create();
    await world.settle(await world.claimOne(), failed("x", { terminal: true }));
    const keep = { doneMs: 7 * 24 * 60 * minuteMs, deadMs: 30 * 24 * 60 * minuteMs };
    const run = (days: number) =>
      purge(
        world.sql as never,
        keep,
        world.clock.now() + days * 24 * 60 * minuteMs,
        new AbortController().signal,
      );
    await run(6);
    expect(await world.has(over.id)).toBe(true);
    await run(8);
    expect([await world.has(over.id), await world.has(dead.id)]).toEqual([false, true]);
    await run(31);
    expect(await world.has(dead.id)).toBe(false);
  });
});

describe("queues", () => {
  const queueNamed = async (name: string) =>
    (await world.queue().listQueues({})).queues.find((it) => it.name === name);

  test("are all there, with what waits, runs and has ended", async () => {
    const { queues } = await world.queue().listQueues({});
    expect(queues.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        "analytics_processing",
        "content_publishing",
        "file_processing",
        "webhook_processing",
      ]),
    );
    const before = await queueNamed(emailQueue);
    for (let i = 0; i < 5; i++) await world.create();
    await world.create(undefined, { delay: { seconds: 60n, nanos: 0 } });
    const [first, second] = await world.claim("w", 3);
    await world.settle(first!, done, "w");
    await world.settle(second!, failed("x", { terminal: true }), "w");
    world.clock.pass(5000);
    const now = await queueNamed(emailQueue);
    expect(now).toMatchObject({ depth: 2n, scheduled: 1n, inFlight: 1n, paused: false, backlogged: false });
    expect(now!.done - (before?.done ?? 0n)).toBe(1n);
    expect(now!.failed - (before?.failed ?? 0n)).toBe(1n);
    expect(now!.oldest?.seconds).toBeGreaterThanOrEqual(5n);
  });

  test("keep what is not changed, and are only those there are", async () => {
    await world.queue().updateQueue({ name: emailQueue, concurrency: 4 });
    const { queue } = await world.queue().updateQueue({ name: emailQueue, paused: true });
    expect(queue).toMatchObject({ paused: true, concurrency: 4 });
    expect((await failure(world.queue().updateQueue({ name: "no_such_queue", paused: true }))).reason).toBe(
      "queue_not_found",
    );
    // Nothing came into it so far.
    const fresh = await world.queue().updateQueue({ name: "file_processing", paused: true });
    expect(fresh.queue).toMatchObject({ name: "file_processing", paused: true, depth: 0n });
  });

  test("that have a backlog show it in health and in numbers", async () => {
    await world.create();
    await world.sql`
      insert into jobs (id, type, queue, state, payload, priority, run_at, max_attempts, timeout_ms, backoff_ms,
        source, user_id, correlation_id, traceparent, created_at)
      select gen_random_uuid(), type, queue, state, payload, priority, run_at, max_attempts, timeout_ms, backoff_ms,
        source, user_id, correlation_id, traceparent, created_at from jobs, generate_series(1, 1000)`;
    world.clock.pass(2000);
    expect(await queueNamed(emailQueue)).toMatchObject({ depth: 1001n, backlogged: true });
    await eventually(async () => {
      world.clock.pass(2000);
      return (await world.setup.health.report()).dependencies.backlog;
    }).toMatchObject({
      status: "unhealthy",
      critical: false,
      error: expect.stringMatching(
        /^1001 jobs are due and wait in notification_delivery.*start more workers/,
      ),
    });
  });

  test("tell their numbers to those who measure", async () => {
    await world.settle((await world.create()) && (await world.claimOne()), failed());
    await world.settle((await world.create()) && (await world.claimOne()), failed("no", { terminal: true }));
    await eventually(() => world.metrics()).toMatch(
      /weft_dead_jobs\{[^}]*queue="notification_delivery"[^}]*\} 1/,
    );
    const text = await world.metrics();
    expect(text).toMatch(/weft_jobs_total\{[^}]*outcome="failed"[^}]*\}/);
    expect(text).toMatch(/weft_job_seconds_count\{[^}]*type="notification\.v1\.DeliverEmail"[^}]*\}/);
    expect(text).toMatch(/# TYPE weft_queue_depth gauge/);
    expect(text).toMatch(/# TYPE weft_queue_oldest_seconds gauge/);
    expect(text).toMatch(/# TYPE weft_queue_in_flight gauge/);
  });
});

describe("who may", () => {
  test("read sees and changes nothing; write changes; nobody else does either", async () => {
    const { id } = await world.create();
    const reader = world.queue({ user: manager });
    await reader.getJob({ id });
    await reader.listJobs({});
    await reader.listQueues({});
    await reader.listDeadLetters({});
    const payload = { notificationId: newId() };
    const changes = (client: ReturnType<typeof world.queue>) => [
      () => client.createJob({ type: emailType, payload }),
      () => client.cancelJob({ id }),
      () => client.retryJob({ id }),
      () => client.updateQueue({ name: emailQueue, paused: false }),
    ];
    for (const change of changes(reader)) expect((await failure(change())).code).toBe(Code.PermissionDenied);
    for (const change of changes(world.queue({ user: developer }))) await change();
    const stranger = world.queue({ user: userWith("user:read") });
    for (const call of [...changes(stranger), () => stranger.getJob({ id }), () => stranger.listQueues({})]) {
      expect((await failure(call())).code).toBe(Code.PermissionDenied);
    }
    expect((await failure(world.queue({}).getJob({ id }))).code).toBe(Code.Unauthenticated);
  });

  test("a service sees and cancels what it asked for, and nothing else", async () => {
    const { id } = await world.enqueue({ source: "content" });
    expect((await failure(world.queue(service("order")).getJob({ id }))).reason).toBe("job_not_found");
    expect((await failure(world.queue(service("order")).cancelJob({ id }))).reason).toBe("job_not_found");
    await world.queue(service("content")).getJob({ id });
    await world.queue(service("content")).cancelJob({ id });
    expect((await failure(world.queue(service("content")).listJobs({}))).code).toBe(Code.PermissionDenied);
    expect((await world.queue(operator).getJob({ id })).job?.status).toBe(JobStatus.CANCELLED);
  });

  test("work is given to services alone", async () => {
    const request = { worker: "w", rooms: [{ type: emailType, places: 1 }] };
    expect((await failure(world.work({ user: developer }).claim(request))).code).toBe(Code.PermissionDenied);
    expect((await failure(world.work({}).claim(request))).code).toBe(Code.Unauthenticated);
  });
});
