import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { jetstreamManager } from "@nats-io/jetstream";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { DeliverEmailSchema } from "#gen/notification/v1/jobs_pb.js";
import { newId } from "#mesh";
import { openDeadLetters } from "#mesh/dead-letters/dead-letters.ts";
import { publishContracts } from "#mesh/discovery/contracts-bucket.ts";
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
} from "./queue-world.ts";

let world: QueueWorld;
beforeAll(async () => {
  world = await createQueueWorld();
  await publishContracts(world.setup.nats, probeContracts().set);
});
afterEach(async () => {
  await world.clear();
  for (const { id } of (await letters()).filter(({ kind }) => kind === "event"))
    await world.queue().dropDeadLetter({ id });
});
afterAll(() => world[Symbol.asyncDispose]());

const letters = async (filter: object = {}) => (await world.queue().listDeadLetters(filter)).deadLetters;
const get = async (id: string, client = world.queue()) => (await client.getDeadLetter({ id })).deadLetter!;

/** A job that failed for good. */
const deadJob = async (error = "no such address") => {
  const { id } = await world.enqueue({ correlationId: "c1", traceparent: "t1" });
  const job = await world.claimOne();
  expect(job.id).toBe(id);
  await world.settle(job, failed(error, { stack: "at here", terminal: true }));
  return id;
};

const greeted = () => {
  const desc = probeContracts().registry.getMessage("probe.v1.Greeted");
  if (!desc) throw new Error("there is no such event");
  return desc;
};

/** An event that a consumer could not handle. */
const deadEvent = async (consumer = "mailer") => {
  const id = newId();
  const data = Buffer.from([0x0a, 2, 0x68, 0x69, 0x12, 3, 0x61, 0x40, 0x62]);
  const at = new Date(world.clock.now());
  await openDeadLetters(world.setup.nats).bury(
    {
      id,
      service: "probe",
      consumer,
      stream: "events_probe",
      subject: "events.probe.greeted",
      headers: ["ce-id", id, "ce-type", "probe.v1.Greeted", "ce-subject", "k1"],
      data,
    },
    { error: "it broke", stack: "at there", attempts: 5, firstFailedAt: at, lastFailedAt: at },
  );
  return { id, letterId: `probe.${consumer}.${id}` };
};

describe("a job that failed for good", () => {
  test("is a dead letter with all that is known of its failure", async () => {
    const id = await deadJob();
    const [letter] = await letters();
    expect(letter).toMatchObject({
      id: `job.${id}`,
      kind: "job",
      service: "notification",
      consumer: emailQueue,
      type: emailType,
      messageId: id,
      error: "no such address",
      stack: "",
      attempts: 1,
      correlationId: "c1",
      traceparent: "t1",
    });
    const whole = await get(`job.${id}`);
    expect(whole.stack).toBe("at here");
    expect(whole.payload).toEqual({ notificationId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(whole.lastFailedAt).toBeDefined();
  });

  test("is done by a worker when it is replayed, as it was or corrected", async () => {
    const id = await deadJob();
    await world.queue().replayDeadLetter({ id: `job.${id}` });
    expect(await letters()).toEqual([]);
    const again = await world.claimOne();
    expect(again).toMatchObject({ id, attempt: 2, try: 1 });
    await world.settle(again, failed("again", { terminal: true }));
    const notificationId = newId();
    await world.queue().replayDeadLetter({ id: `job.${id}`, payload: { notificationId } });
    expect(fromBinary(DeliverEmailSchema, (await world.claimOne()).payload)).toMatchObject({
      notificationId,
    });
  });

  test("has what it was corrected to, or the correction is refused: another may make it go on at the same time", async () => {
    for (let round = 0; round < 10; round++) {
      const id = await deadJob();
      const payload = { notificationId: newId() };
      const [, corrected] = await Promise.allSettled([
        world.queue().retryJob({ id }),
        world.queue().replayDeadLetter({ id: `job.${id}`, payload }),
      ]);
      const isApplied = (await world.job(id)).payload?.notificationId === payload.notificationId;
      expect(isApplied).toBe(corrected.status === "fulfilled");
      await world.settle(await world.claimOne(), done);
    }
  });

  test("stays as it is when what is to correct it is wrong", async () => {
    const id = await deadJob();
    const wrong = world.queue().replayDeadLetter({ id: `job.${id}`, payload: { notificationId: "x" } });
    expect((await failure(wrong)).reason).toBe("contract_violation");
    expect(await letters()).toHaveLength(1);
  });

  test("is gone when it is dropped", async () => {
    const id = await deadJob();
    await world.queue().dropDeadLetter({ id: `job.${id}` });
    expect(await letters()).toEqual([]);
    for (const call of ["getDeadLetter", "replayDeadLetter", "dropDeadLetter"] as const) {
      expect((await failure(world.queue()[call]({ id: `job.${id}` }))).reason).toBe("dead_letter_not_found");
    }
  });
});

describe("an event that a consumer could not handle", () => {
  test("is a dead letter whose personal data only those see who may replay it", async () => {
    const { id, letterId } = await deadEvent();
    expect(await letters()).toMatchObject([
      {
        id: letterId,
        kind: "event",
        service: "probe",
        consumer: "mailer",
        subject: "probe.greeted",
        messageId: id,
        key: "k1",
        attempts: 5,
      },
    ]);
    await eventually(async () => (await get(letterId)).payload).toEqual({ text: "hi", email: "[redacted]" });
    const forReader = await get(letterId, world.queue({ user: manager }));
    expect(forReader.data).toHaveLength(0);
    expect(forReader.stack).toBe("at there");
    const forWriter = await get(letterId, world.queue({ user: developer }));
    expect(Buffer.from(forWriter.data).toString()).toContain("a@b");
  });

  test("is replayed with what was corrected, and what was hidden stays", async () => {
    const { nats } = world.setup;
    const { letterId } = await deadEvent();
    await eventually(async () => (await get(letterId)).payload).toBeDefined();
    const manager = await jetstreamManager(nats.connection);
    await manager.streams.add({
      name: nats.nameOf("events_probe"),
      subjects: [nats.subject("events.probe.>")],
    });
    await world.queue().replayDeadLetter({ id: letterId, payload: { text: "hello", email: "[redacted]" } });
    expect(await letters()).toEqual([]);
    const message = await manager.streams.getMessage(nats.nameOf("events_probe"), { seq: 1 });
    const event = fromBinary(greeted(), message!.data);
    expect(event).toMatchObject({ text: "hello", email: "a@b" });
    expect(toBinary(greeted(), event)).toHaveLength(12);
    await manager.streams.delete(nats.nameOf("events_probe"));
  });

  test("is gone when it is dropped", async () => {
    const { letterId } = await deadEvent();
    await world.queue().dropDeadLetter({ id: letterId });
    expect(await letters()).toEqual([]);
    expect((await failure(world.queue().replayDeadLetter({ id: letterId }))).reason).toBe(
      "dead_letter_not_found",
    );
  });
});

describe("dead letters", () => {
  test("are listed each once, jobs before events, in any page size", async () => {
    const jobs: string[] = [];
    for (let i = 0; i < 3; i++) {
      world.clock.pass(1000);
      jobs.unshift(`job.${await deadJob()}`);
    }
    const events: string[] = [];
    for (let i = 0; i < 3; i++) events.push((await deadEvent(`c${i}`)).letterId);
    for (const pageSize of [1, 2, 3, 4, 6, 7]) {
      const found: string[] = [];
      let pageToken = "";
      do {
        const page = await world.queue().listDeadLetters({ pageSize, pageToken });
        expect(page.deadLetters.length).toBeLessThanOrEqual(pageSize);
        found.push(...page.deadLetters.map(({ id }) => id));
        pageToken = page.nextPageToken;
      } while (pageToken);
      expect(found).toEqual([...jobs, ...events]);
    }
    expect(await letters({ service: "probe", consumer: "c1" })).toMatchObject([{ id: events[1] }]);
    expect((await letters({ service: "notification" })).map(({ id }) => id)).toEqual(jobs);
    expect((await letters({ consumer: emailQueue })).map(({ id }) => id)).toEqual(jobs);
    for (const key of [
      ["x"],
      ["events", "x"],
      ["jobs", "2025-02-30T00:00:00.000Z", newId()],
      ["jobs", "", ""],
    ]) {
      const pageToken = Buffer.from(JSON.stringify(key)).toString("base64url");
      expect((await failure(world.queue().listDeadLetters({ pageToken }))).reason).toBe("bad_page_token");
    }
  });

  test("are replayed and dropped with queue:write alone", async () => {
    const id = `job.${await deadJob()}`;
    const reader = world.queue({ user: manager });
    expect((await reader.listDeadLetters({})).deadLetters).toHaveLength(1);
    expect((await failure(reader.replayDeadLetter({ id }))).code).toBe(Code.PermissionDenied);
    expect((await failure(reader.dropDeadLetter({ id }))).code).toBe(Code.PermissionDenied);
    await world.queue({ user: developer }).dropDeadLetter({ id });
  });
});
