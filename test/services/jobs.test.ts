import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { DeliverEmailSchema } from "#gen/notification/v1/jobs_pb.js";
import { JobStatus, QueueService } from "#gen/queue/v1/queue_pb.js";
import type { Hosted, Job, ServiceDefinition, Setup } from "#mesh";
import { defineService, fail, handlers, hostService, job, newId } from "#mesh";
import { createMemoryNetwork } from "#mesh/client/memory-network.ts";
import { databaseUrl, dropDatabases } from "#mesh/testing/databases.ts";
import { ProbeService, usualHandlers } from "#mesh/testing/probe.ts";
import { testStores } from "#mesh/testing/stores.ts";
import { silentTelemetry } from "#mesh/testing/telemetry.ts";
import { createQueueService } from "../../services/queue/service.ts";

type Given = Setup<never, never>;
type Handler = (message: { notificationId: string }, job: Job) => Promise<unknown> | unknown;

const eventually = <T>(look: () => T) => expect.poll(look, { timeout: 15_000 });
const operator = { service: { name: "operator", scopes: [] } };

const namespace = randomBytes(6).toString("hex");
const memory = createMemoryNetwork();
const urls = { queue: databaseUrl("queue", namespace), probe: databaseUrl("probe", namespace) };
const queue = memory.client(QueueService, silentTelemetry("outside"), () => ({
  caller: operator,
  userToken: "",
  client: { address: "", userAgent: "" },
}));

let folder: string;
let given: Given;
let queueService: Hosted;
let postman: Hosted;
let handler: Handler;

const start = (definition: ServiceDefinition) =>
  hostService(definition, {
    env: {
      WEFT_ENV: "test",
      LOG_LEVEL: "silent",
      NATS_URL: testStores().natsUrl,
      WEFT_NAMESPACE: namespace,
      QUEUE_DATABASE_URL: urls.queue,
      PROBE_DATABASE_URL: urls.probe,
      // What is cancelled is learned at a third of it.
      QUEUE_LEASE: "3s",
      SHUTDOWN_GRACE: "2s",
    },
    memory: {
      openNetwork: (telemetry) => memory.networkOf(definition.name, [], telemetry),
      authenticate: memory.authenticate,
      attach: (rpc) => memory.attach(definition.name, rpc),
    },
  });
const startQueue = () => start(createQueueService({ paceMs: 50 }));
/** A service that does what it asks for itself. */
const startPostman = () =>
  start(
    defineService({
      name: "probe",
      contracts: [ProbeService],
      database: { migrations: pathToFileURL(`${folder}/`) },
      setup: (setup) => {
        given = setup as unknown as Given;
        return {
          rpc: [handlers(ProbeService, usualHandlers)],
          jobs: [job(DeliverEmailSchema, (message, it) => handler(message, it))],
        };
      },
    }),
  );

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-jobs-"));
  await writeFile(join(folder, "0001_letters.sql"), "create table letters (notification_id uuid)");
  queueService = await startQueue();
  postman = await startPostman();
});
beforeEach(async () => {
  handler = writeLetter;
  await given.db.sql`truncate letters`;
});
afterAll(async () => {
  await postman.stop();
  await queueService.stop();
  await dropDatabases(Object.values(urls));
  await rm(folder, { recursive: true });
});

const writeLetter: Handler = ({ notificationId }, { once }) =>
  once((tx) => tx`insert into letters values (${notificationId})`);
const letters = async () =>
  (await given.db.sql<{ notificationId: string }[]>`select notification_id from letters`).map(
    (it) => it.notificationId,
  );
const status = (id: string) =>
  queue.getJob({ id }).then(
    ({ job: it }) => JobStatus[it?.status ?? 0],
    () => "UNKNOWN",
  );
const enqueue = (notificationId: string, options: Parameters<Given["jobs"]["enqueue"]>[2] = {}) =>
  given.jobs.enqueue(DeliverEmailSchema, { notificationId }, options);

describe("a job that a service enqueues", () => {
  test("is done once when its transaction is committed, and never otherwise", async () => {
    const kept = newId();
    await expect(
      given.db.transaction(async (tx) => {
        await enqueue(newId(), { tx });
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    const id = await given.db.transaction((tx) => enqueue(kept, { tx }));
    await eventually(() => status(id)).toBe("DONE");
    expect(await letters()).toEqual([kept]);
  });

  test("has one effect when its worker could not tell that it had it", async () => {
    const told: unknown[] = [];
    handler = async (message, it) => {
      told.push([it.attempt, await writeLetter(message, it)]);
      if (it.attempt === 1) throw new Error("as if it had ended here");
    };
    const notificationId = newId();
    const id = await enqueue(notificationId, { backoffMs: 10 });
    await eventually(() => status(id)).toBe("DONE");
    expect(told).toEqual([
      [1, true],
      [2, false],
    ]);
    expect(await letters()).toEqual([notificationId]);
  });

  test("is a dead letter when no attempt can mend it, and is done when it is tried again", async () => {
    handler = () => {
      throw fail.invalid("no_such_letter", "nobody wrote this letter");
    };
    const notificationId = newId();
    const id = await enqueue(notificationId);
    await eventually(() => status(id)).toBe("DEAD");
    expect((await queue.getJob({ id })).job?.error).toContain("nobody wrote this letter");
    handler = writeLetter;
    await queue.retryJob({ id });
    await eventually(() => status(id)).toBe("DONE");
    expect(await letters()).toEqual([notificationId]);
  });

  test("runs when it is due, shows how far it is, and is ended when somebody cancels it", async () => {
    const ended = Promise.withResolvers<unknown>();
    handler = async (message, it) => {
      it.progress(30, "three of ten");
      await new Promise<void>((resolve) => it.signal.addEventListener("abort", () => resolve()));
      ended.resolve(await Promise.resolve(writeLetter(message, it)).catch((error: unknown) => error));
    };
    const id = await enqueue(newId(), { delayMs: 100 });
    await eventually(async () => (await queue.getJob({ id })).job?.progress).toBe(30);
    await queue.cancelJob({ id });
    expect(await ended.promise).toMatchObject({ reason: "job_lost" });
    expect(await status(id)).toBe("CANCELLED");
    expect(await letters()).toEqual([]);
  });

  test("with the key of one that was there before is that one", async () => {
    const seen: string[] = [];
    handler = (_, { id, key }) => void seen.push(`${key} ${id}`);
    const first = await enqueue(newId(), { key: "k" });
    await eventually(() => status(first)).toBe("DONE");
    await enqueue(newId(), { key: "k" });
    const last = await enqueue(newId());
    await eventually(() => status(last)).toBe("DONE");
    expect(seen).toEqual([`k ${first}`, ` ${last}`]);
  });

  test("while the queue is away is done when it is back", async () => {
    await queueService.stop();
    const notificationId = newId();
    const id = await given.db.transaction((tx) => enqueue(notificationId, { tx }));
    expect(await status(id)).toBe("UNKNOWN");
    queueService = await startQueue();
    await eventually(() => status(id)).toBe("DONE");
    expect(await letters()).toEqual([notificationId]);
  });

  test("is given back by an instance that stops, and done by the next one", async () => {
    const begun = Promise.withResolvers<void>();
    handler = async (_, { signal }) => {
      begun.resolve();
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      throw signal.reason;
    };
    const notificationId = newId();
    const id = await enqueue(notificationId, { attempts: 1 });
    await begun.promise;
    await postman.stop();
    expect(await status(id)).toBe("WAITING");
    handler = writeLetter;
    postman = await startPostman();
    await eventually(() => status(id)).toBe("DONE");
    expect(await letters()).toEqual([notificationId]);
  });
});
