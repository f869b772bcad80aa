import { create, toBinary } from "@bufbuild/protobuf";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { JobRequestSchema } from "#gen/mesh/v1/jobs_pb.js";
import { newId } from "#mesh";
import { badHeaders } from "#mesh/testing/bad-headers.ts";
import type { QueueWorld } from "./queue-world.ts";
import { createQueueWorld, emailPayload, emailQueue, emailType, eventually } from "./queue-world.ts";

let world: QueueWorld;
beforeAll(async () => {
  world = await createQueueWorld();
});
afterEach(() => world.clear());
afterAll(() => world[Symbol.asyncDispose]());

const names = () => {
  const { nats } = world.setup;
  return { stream: nats.nameOf("jobs"), consumer: nats.nameOf("queue") };
};
/** What the broker still has: waiting, or given out and not acknowledged. */
const left = async () => {
  const { stream, consumer } = names();
  const manager = await jetstreamManager(world.setup.nats.connection);
  const { num_pending, num_ack_pending } = await manager.consumers.info(stream, consumer);
  return num_pending + num_ack_pending;
};
const countJobs = async () => (await world.sql`select 1 from jobs`).length;
const request = (more: object = {}) => ({
  id: newId(),
  type: emailType,
  queue: emailQueue,
  payload: emailPayload(),
  maxAttempts: 3,
  source: "notification",
  ...more,
});

test("the stream keeps what comes until it is taken in, and takes no more than it holds", async () => {
  const { stream, consumer } = names();
  const manager = await jetstreamManager(world.setup.nats.connection);
  await eventually(async () => (await manager.streams.info(stream)).config).toMatchObject({
    subjects: [world.setup.nats.subject("jobs.*")],
    retention: "workqueue",
    storage: "file",
    discard: "new",
    duplicate_window: 120e9,
    max_bytes: 1024 ** 3,
    num_replicas: 1,
  });
  await eventually(async () => (await manager.consumers.info(stream, consumer)).config).toMatchObject({
    ack_policy: "explicit",
    ack_wait: 30e9,
    max_deliver: -1,
    max_ack_pending: 5000,
  });
});

test("many that come at once are all taken in, and the broker is done with them", async () => {
  const many = 1200;
  const js = jetstream(world.setup.nats.connection);
  const subject = world.setup.nats.subject(`jobs.${emailQueue}`);
  await Promise.all(
    Array.from({ length: many }, () => {
      const job = request();
      return js.publish(subject, toBinary(JobRequestSchema, create(JobRequestSchema, job)), {
        msgID: job.id,
      });
    }),
  );
  await eventually(countJobs).toBe(many);
  await eventually(left).toBe(0);
});

test("what is no job becomes a dead letter and holds up nothing", async () => {
  const wrong: [string, Uint8Array][] = [
    ["no message", new Uint8Array([255, 255, 255])],
    ["no id", toBinary(JobRequestSchema, create(JobRequestSchema, request({ id: "x" })))],
    ["no queue", toBinary(JobRequestSchema, create(JobRequestSchema, request({ queue: "Not A Queue" })))],
    [
      "too long",
      toBinary(JobRequestSchema, create(JobRequestSchema, request({ timeout: { seconds: 10n ** 9n } }))),
    ],
    [
      "at no time there is",
      toBinary(JobRequestSchema, create(JobRequestSchema, request({ runAt: { seconds: 2n ** 63n - 1n } }))),
    ],
    ["no type", toBinary(JobRequestSchema, create(JobRequestSchema, request({ type: "\u001b[2J" })))],
    ["NUL", toBinary(JobRequestSchema, create(JobRequestSchema, request({ userId: "a\0b" })))],
    ["nothing", new Uint8Array()],
  ];
  for (const [, data] of wrong) await world.publishRaw(`jobs.${emailQueue}`, data);
  await world.enqueue();
  await eventually(left).toBe(0);
  expect(await countJobs()).toBe(1);
  const { deadLetters } = await world.queue().listDeadLetters({ service: "queue" });
  expect(deadLetters).toHaveLength(wrong.length);
  for (const letter of deadLetters) {
    expect(letter).toMatchObject({
      kind: "event",
      consumer: "queue",
      subject: `jobs.${emailQueue}`,
      attempts: 1,
    });
    expect(letter.error).not.toBe("");
    await world.queue().dropDeadLetter({ id: letter.id });
  }
  expect((await world.queue().listDeadLetters({})).deadLetters).toEqual([]);
});

test("what cannot be written now comes again", async () => {
  await world.sql`alter table jobs rename to jobs_away`;
  const { id } = await world.publish();
  await eventually(async () => {
    const { stream, consumer } = names();
    const manager = await jetstreamManager(world.setup.nats.connection);
    return (await manager.consumers.info(stream, consumer)).num_redelivered;
  }).toBeGreaterThan(0);
  await world.sql`alter table jobs_away rename to jobs`;
  await eventually(() => world.has(id)).toBe(true);
  await eventually(left).toBe(0);
});

test("a broker that lost the stream has it again, and what comes then is taken in", async () => {
  await world.enqueue();
  const manager = await jetstreamManager(world.setup.nats.connection);
  await manager.streams.delete(names().stream);
  await eventually(async () => {
    try {
      return (await manager.consumers.info(names().stream, names().consumer)).name;
    } catch (error) {
      return String(error);
    }
  }).toBe(names().consumer);
  await world.enqueue();
});

test("replicas share what comes, and one that stops leaves nothing behind", async () => {
  const replica = await world.startReplica();
  for (let i = 0; i < 30; i++) await world.publish();
  replica.stopping.abort();
  await replica.running.stop?.();
  for (let i = 0; i < 30; i++) await world.publish();
  await eventually(countJobs).toBe(60);
  await eventually(left).toBe(0);
});

test("headers that nobody can read make a dead letter, and hold up nothing", async () => {
  const { connection, subject } = world.setup.nats;
  connection.publish(subject(`jobs.${emailQueue}`), "zz", { headers: badHeaders() });
  await connection.flush();
  await world.enqueue();
  await eventually(left).toBe(0);
  const { deadLetters } = await world.queue().listDeadLetters({ service: "queue" });
  expect(deadLetters).toMatchObject([{ consumer: "queue" }]);
  for (const { id } of deadLetters) await world.queue().dropDeadLetter({ id });
});
