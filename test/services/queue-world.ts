import type { DescService, JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import { create, toBinary } from "@bufbuild/protobuf";
import { jetstream } from "@nats-io/jetstream";
import postgres from "postgres";
import type { ClaimedJob, JobRequest } from "#gen/mesh/v1/jobs_pb.js";
import { JobRequestSchema, WorkService } from "#gen/mesh/v1/jobs_pb.js";
import { DeliverEmailSchema } from "#gen/notification/v1/jobs_pb.js";
import { JobStatus, QueueService } from "#gen/queue/v1/queue_pb.js";
import { ScheduleService } from "#gen/queue/v1/schedules_pb.js";
import type { Caller, Handlers, Running, Setup } from "#mesh";
import { newId } from "#mesh";
import { hostInMemory } from "#mesh/testing/host.ts";
import { createQueueService } from "../../services/queue/service.ts";
import { eventually, service, silentHealth, silentMetrics, testClock, userWith } from "./kit.ts";

export { eventually, failure, service, userWith } from "./kit.ts";

export const developer = userWith("queue:read", "queue:write");
export const manager = userWith("queue:read");
export const operator: Caller = { service: { name: "operator", scopes: [] } };
export const emailType = DeliverEmailSchema.typeName;
export const emailQueue = "notification_delivery";
export const emailPayload = (notificationId = newId()): Uint8Array<ArrayBuffer> =>
  toBinary(DeliverEmailSchema, create(DeliverEmailSchema, { notificationId }));

export interface WorldOptions {
  env?: Record<string, string>;
  logs?: { write(line: string): void };
}

export type Job = MessageInitShape<typeof JobRequestSchema>;

/** The queue service, with a clock that tests move and chance that is none. */
export async function createQueueWorld({ env = {}, logs }: WorldOptions = {}) {
  const clock = testClock();
  let given: Setup<never, never> | undefined;
  const definition = createQueueService({ now: clock.now, random: () => 1, paceMs: 50 });
  const host = await hostInMemory(
    [
      {
        ...definition,
        setup: (setup) => {
          given = setup as never;
          return definition.setup(setup);
        },
      },
    ],
    { env: { ...(logs && { LOG_LEVEL: "debug" }), ...env }, ...(logs && { logs }) },
  );
  const setup = given as unknown as Setup<never, never>;
  const sql = postgres(host.databaseUrl("queue"), { max: 4, onnotice: () => {} });
  const replicas: { stopping: AbortController; running: Running }[] = [];

  const queue = (caller: Caller = operator) => host.client(QueueService, { caller });
  const work = (caller: Caller = service("notification")) => host.client(WorkService, { caller });

  const world = {
    clock,
    host,
    sql,
    setup,
    queue,
    work,
    schedules: (caller: Caller = operator) => host.client(ScheduleService, { caller }),
    /** What a service's outbox does: publishes a request and waits for the acknowledgement. */
    publish: async (job: Job = {}, subjectQueue = job.queue ?? emailQueue): Promise<JobRequest> => {
      const request = create(JobRequestSchema, {
        id: newId(clock.now()),
        type: emailType,
        queue: emailQueue,
        payload: emailPayload(),
        maxAttempts: 3,
        source: "notification",
        ...job,
      });
      await world.publishRaw(`jobs.${subjectQueue}`, toBinary(JobRequestSchema, request), request.id);
      return request;
    },
    publishRaw: async (subject: string, data: Uint8Array, msgId = newId()) => {
      await eventually(() =>
        jetstream(setup.nats.connection)
          .publish(setup.nats.subject(subject), data, { msgID: msgId })
          .then(() => "stored")
          .catch((error: unknown) => String(error)),
      ).toBe("stored");
    },
    /** A job that is in the table when this resolves. */
    enqueue: async (job: Job = {}): Promise<JobRequest> => {
      const request = await world.publish(job);
      await eventually(() => world.has(request.id)).toBe(true);
      return request;
    },
    has: async (id: string) => (await sql`select 1 from jobs where id = ${id}`).length > 0,
    create: async (payload: JsonObject = { notificationId: newId() }, more: object = {}) => {
      const { job } = await queue().createJob({ type: emailType, payload, ...more });
      return job!;
    },
    job: async (id: string) => (await queue().getJob({ id })).job!,
    status: async (id: string) => JobStatus[(await world.job(id)).status],
    claim: async (worker = "worker-1", places = 10, type = emailType): Promise<ClaimedJob[]> =>
      (await work().claim({ worker, rooms: [{ type, places }] })).jobs,
    /** Claims until there is one, which must be the only one. */
    claimOne: async (worker = "worker-1", type = emailType): Promise<ClaimedJob> => {
      let jobs: ClaimedJob[] = [];
      await eventually(async () => {
        jobs = await world.claim(worker, 1, type);
        return jobs.length;
      }).toBe(1);
      return jobs[0]!;
    },
    settle: async (job: ClaimedJob, outcome: SettlementOutcome, worker = "worker-1") => {
      const held = { id: job.id, attempt: job.attempt };
      const { lost } = await work().settle({ worker, jobs: [{ held, outcome }] });
      return lost.map(({ id, attempt }) => ({ id, attempt }));
    },
    extend: async (job: ClaimedJob, more: object = {}, worker = "worker-1") => {
      const held = { id: job.id, attempt: job.attempt };
      const { lost } = await work().extend({ worker, jobs: [{ held, ...more }] });
      return lost.map(({ id, attempt }) => ({ id, attempt }));
    },
    /** All there is to do is gone. */
    clear: async () => {
      await sql`delete from jobs`;
      await sql`delete from schedules`;
      await sql`update queues set paused = false, concurrency = 0`;
    },
    /** Another replica over the same stores. */
    startReplica: async (): Promise<Replica> => {
      const stopping = new AbortController();
      const running = await definition.setup({
        ...setup,
        metrics: silentMetrics(setup),
        health: silentHealth(setup),
        stopping: stopping.signal,
      } as never);
      replicas.push({ stopping, running });
      const answers = <S extends DescService>(contract: S) =>
        running.rpc.find((it) => it.contract === contract)?.handlers as unknown as Handlers<S>;
      return { work: answers(WorkService), running, stopping };
    },
    metrics: () => setup.metrics.render(),
    async [Symbol.asyncDispose]() {
      for (const { stopping, running } of replicas) {
        stopping.abort();
        await running.stop?.();
      }
      await sql.end();
      await host.stop();
    },
  };
  return world;
}

export type QueueWorld = Awaited<ReturnType<typeof createQueueWorld>>;

export interface Replica {
  readonly work: Handlers<typeof WorkService>;
  readonly running: Running;
  readonly stopping: AbortController;
}

type SettlementOutcome =
  | { case: "done"; value: object }
  | { case: "failed"; value: { error?: string; stack?: string; terminal?: boolean } }
  | { case: "givenBack"; value: object };

export const done: SettlementOutcome = { case: "done", value: {} };
export const givenBack: SettlementOutcome = { case: "givenBack", value: {} };
export const failed = (error = "it broke", more: object = {}): SettlementOutcome => ({
  case: "failed",
  value: { error, ...more },
});
