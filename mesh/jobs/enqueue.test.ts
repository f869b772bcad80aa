import { create, fromBinary } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JobRequest } from "#gen/mesh/v1/jobs_pb.js";
import { JobRequestSchema } from "#gen/mesh/v1/jobs_pb.js";
import { DeliverEmailSchema } from "#gen/notification/v1/jobs_pb.js";
import { UserCreatedSchema } from "#gen/user/v1/events_pb.js";
import { runInCall } from "../call/call.ts";
import { LiveCall } from "../call/live-call.ts";
import { noEnvelope } from "../call/no-envelope.ts";
import { reasonOf } from "../errors.ts";
import { newId } from "../id.ts";
import { mostBytes } from "../nats/most-bytes.ts";
import { createTracer } from "../telemetry/tracer.ts";
import type { TestInstance, TestWorld } from "../testing/bus.ts";
import { openWorld } from "../testing/bus.ts";
import { silentLog } from "../testing/nats.ts";
import type { Jobs } from "./enqueue.ts";
import { createJobs } from "./enqueue.ts";
import { jobTypeOf } from "./job-type.ts";
import { jobsStream, jobsStreamPlan } from "./stream.ts";

const patient = { timeout: 10_000 };
const tracer = createTracer({ service: "user" });
let world: TestWorld;
let user: TestInstance;
let jobs: Jobs;

const jobsOf = (instance: TestInstance, now: () => number = Date.now) =>
  createJobs({ service: "user", take: instance.bus.take, tracer, metrics: instance.metrics, now });

beforeAll(async () => {
  world = openWorld();
  user = await world.instance("user", { alsoInto: [jobsStreamPlan] });
  jobs = jobsOf(user);
});
afterAll(() => world[Symbol.asyncDispose]());

interface Arrival {
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly request: JobRequest;
}

/** What a queue service would take out, until there are so many. */
async function arrivals(count: number): Promise<Arrival[]> {
  const { nats } = user;
  const stream = nats.nameOf(jobsStream);
  const manager = await jetstreamManager(nats.connection);
  await expect
    .poll(
      () =>
        manager.streams.info(stream).then(
          ({ state }) => state.messages,
          () => 0,
        ),
      patient,
    )
    .toBe(count);
  await manager.consumers.add(stream, { durable_name: "test", ack_policy: AckPolicy.Explicit });
  const consumer = await jetstream(nats.connection).consumers.get(stream, "test");
  const found: Arrival[] = [];
  for await (const message of await consumer.fetch({ max_messages: count, expires: 5000 })) {
    await message.ackAck();
    found.push({
      subject: message.subject.slice(nats.subject("").length),
      headers: Object.fromEntries(
        (message.headers?.keys() ?? []).map((it) => [it, message.headers?.get(it) ?? ""]),
      ),
      request: fromBinary(JobRequestSchema, message.data),
    });
  }
  return found;
}

const failure = (work: Promise<unknown>) =>
  work.then(
    () => "nothing failed",
    (error: unknown) => reasonOf(error),
  );

describe("a job that is enqueued", () => {
  test("goes to the queue when its transaction is committed, and never otherwise", async () => {
    const notificationId = newId();
    await expect(
      user.db.transaction(async (tx) => {
        await jobs.enqueue(DeliverEmailSchema, { notificationId: newId() }, { tx });
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    const id = await user.db.transaction((tx) =>
      jobs.enqueue(DeliverEmailSchema, { notificationId }, { tx }),
    );
    const [arrival] = await arrivals(1);
    expect(arrival).toMatchObject({
      subject: "jobs.notification_delivery",
      headers: {
        "ce-id": id,
        "ce-source": "user",
        "ce-type": "mesh.v1.JobRequest",
        "content-type": "application/protobuf",
      },
      request: {
        id,
        type: "notification.v1.DeliverEmail",
        queue: "notification_delivery",
        priority: 0,
        maxAttempts: 8,
        source: "user",
        userId: "",
        correlationId: id,
        idempotencyKey: "",
      },
    });
    const { request, headers } = arrival!;
    expect(fromBinary(DeliverEmailSchema, request.payload)).toMatchObject({ notificationId });
    expect(request.runAt).toBeUndefined();
    expect(durationMs(request.timeout!)).toBe(60_000);
    expect(durationMs(request.backoff!)).toBe(5000);
    expect(request.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
    expect(headers["ce-traceparent"]).toBe(request.traceparent);
    expect(await user.metrics.render()).toMatch(/weft_jobs_enqueued_total\{[^}]*\} 1/);
  });

  test("carries what its caller wants, and the trace, correlation and user of the call at hand", async () => {
    const at = new Date("2030-01-01T00:00:00Z");
    const span = tracer.begin("server", "test", undefined);
    const call = new LiveCall({
      method: "user.v1.UserService/GetUser",
      requestId: "r-1",
      correlationId: "c-1",
      span,
      tracer,
      caller: { user: { id: "u-1", email: "", sessionId: "", roles: [], permissions: [] } },
      userToken: "",
      envelope: noEnvelope,
      client: () => ({ address: "", userAgent: "" }),
      budgetMs: 60_000,
      log: silentLog,
    });
    const options = { runAt: at, priority: -7, attempts: 2, timeoutMs: 1500, backoffMs: 0, key: "k" };
    const message = { notificationId: newId() };
    await runInCall(call, () => jobs.enqueue(DeliverEmailSchema, message, options));
    call.finish();
    const [arrival] = await arrivals(1);
    const { request } = arrival!;
    expect(request).toMatchObject({
      priority: -7,
      maxAttempts: 2,
      idempotencyKey: "k",
      correlationId: "c-1",
      userId: "u-1",
    });
    expect(timestampMs(request.runAt!)).toBe(at.getTime());
    expect([durationMs(request.timeout!), durationMs(request.backoff!)]).toEqual([1500, 0]);
    expect(request.traceparent).toContain(span.traceId);
  });

  test("may wait for a while", async () => {
    const delayed = jobsOf(await world.instance("user", { alsoInto: [jobsStreamPlan] }), () => 1_000_000);
    await delayed.enqueue(DeliverEmailSchema, { notificationId: newId() }, { delayMs: 500 });
    const [arrival] = await arrivals(1);
    expect(timestampMs(arrival!.request.runAt!)).toBe(1_000_500);
  });

  test("by a service without a database is with the broker when that is told", async () => {
    const other = await world.instance("other", { withoutDatabase: true, alsoInto: [jobsStreamPlan] });
    const id = await jobsOf(other).enqueue(DeliverEmailSchema, { notificationId: newId() });
    expect(await arrivals(1)).toMatchObject([{ request: { id } }]);
  });

  test("is refused when it breaks a rule, is too large or is no job", async () => {
    const notificationId = newId();
    const enqueue = (...given: Parameters<Jobs["enqueue"]>) => failure(jobs.enqueue(...given));
    expect(await enqueue(DeliverEmailSchema, { notificationId: "none" })).toBe("contract_violation");
    expect(await enqueue(DeliverEmailSchema, { notificationId }, { priority: 101 })).toBe(
      "contract_violation",
    );
    expect(await enqueue(DeliverEmailSchema, { notificationId }, { timeoutMs: 0 })).toBe(
      "contract_violation",
    );
    expect(await enqueue(UserCreatedSchema, { userId: newId() })).toBe("bad_job");
    const large = create(DeliverEmailSchema, { notificationId });
    large.$unknown = [{ no: 99, wireType: WireType.LengthDelimited, data: new Uint8Array(mostBytes) }];
    expect(await enqueue(DeliverEmailSchema, large)).toBe("job_too_large");
    expect(await user.db.sql`select 1 from weft_outbox where published_at is null`).toHaveLength(0);
  });
});

test("a contract without a queue's limits has the usual ones", () => {
  expect(jobTypeOf(DeliverEmailSchema)).toEqual({
    name: "notification.v1.DeliverEmail",
    queue: "notification_delivery",
    maxAttempts: 8,
    timeoutMs: 60_000,
    backoffMs: 5000,
  });
});
