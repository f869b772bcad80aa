import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { DeadLetterSchema, JobSchema, QueueSchema } from "#gen/queue/v1/queue_pb.js";
import { JobStatus } from "#gen/queue/v1/queue_pb.js";
import type { ScheduleSchema } from "#gen/queue/v1/schedules_pb.js";
import type { DeadLetter as EventLetter } from "#mesh/dead-letters/letter.ts";
import { contractSubject } from "#mesh/events/contract/subject.ts";
import { isBacklogged } from "./backlog.ts";
import type { JobRow, WholeJobRow } from "./jobs-store.ts";
import type { State } from "./lifecycle.ts";
import type { MessageTypes } from "./message-types.ts";
import { showPayload } from "./payload.ts";
import type { QueueState } from "./queues-store.ts";
import type { ScheduleRow } from "./schedules-store.ts";

const statusOf: Readonly<Record<State, JobStatus>> = {
  scheduled: JobStatus.WAITING,
  ready: JobStatus.WAITING,
  running: JobStatus.RUNNING,
  done: JobStatus.DONE,
  dead: JobStatus.DEAD,
  cancelled: JobStatus.CANCELLED,
};

/** Empty for the status that says nothing. */
export const statesOf = (status: JobStatus): State[] =>
  (Object.keys(statusOf) as State[]).filter((state) => statusOf[state] === status);

const time = (date: Date | null) => (date ? timestampFromDate(date) : undefined);

/** Without undefined members, which messages are not made of. */
function compact<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, it]) => it !== undefined)) as never;
}

/** In lists, texts are cut: a page must fit into one message. */
const shortChars = 1000;

export function toJob(row: JobRow): MessageInitShape<typeof JobSchema> {
  const { id, type, queue, priority, attempts, maxAttempts, source, userId, correlationId } = row;
  return compact({
    id,
    type,
    queue,
    status: statusOf[row.state],
    priority,
    attempts,
    maxAttempts,
    runAt: time(row.runAt),
    createdAt: time(row.createdAt),
    startedAt: time(row.startedAt),
    finishedAt: time(row.finishedAt),
    progress: row.progress ?? undefined,
    progressNote: row.progressNote,
    error: row.error.slice(0, shortChars),
    worker: row.state === "running" ? row.worker : "",
    idempotencyKey: row.idempotencyKey ?? "",
    source,
    userId,
    correlationId,
    scheduleId: row.scheduleId ?? "",
    timeout: durationFromMs(row.timeoutMs),
  });
}

export function toWholeJob(row: WholeJobRow, types: MessageTypes): MessageInitShape<typeof JobSchema> {
  const payload = showPayload(types.find(row.type), row.payload);
  return compact({ ...toJob(row), error: row.error, payload });
}

export function toQueue(state: QueueState): MessageInitShape<typeof QueueSchema> {
  const { name, paused, concurrency, depth, scheduled, inFlight, done, failed, oldestMs } = state;
  return {
    name,
    paused,
    concurrency,
    depth: BigInt(depth),
    scheduled: BigInt(scheduled),
    inFlight: BigInt(inFlight),
    done: BigInt(done),
    failed: BigInt(failed),
    backlogged: isBacklogged(state),
    ...(depth > 0 && { oldest: durationFromMs(oldestMs) }),
  };
}

export function toSchedule(row: ScheduleRow, types: MessageTypes): MessageInitShape<typeof ScheduleSchema> {
  const { id, name, cron, timeZone, type, priority, paused } = row;
  return compact({
    id,
    name,
    cron,
    timeZone,
    type,
    priority,
    paused,
    payload: showPayload(types.find(type), row.payload),
    nextRunAt: time(row.nextRunAt),
    lastRunAt: time(row.lastRunAt),
    createdAt: time(row.createdAt),
  });
}

type Letter = MessageInitShape<typeof DeadLetterSchema>;

export function jobLetter(row: JobRow): Letter {
  const { id, type, queue, attempts, correlationId, traceparent } = row;
  return compact({
    id: `${jobPrefix}${id}`,
    kind: "job",
    service: row.workerService,
    consumer: queue,
    type,
    messageId: id,
    key: row.idempotencyKey ?? "",
    error: row.error.slice(0, shortChars),
    attempts,
    firstFailedAt: time(row.firstFailedAt),
    lastFailedAt: time(row.lastFailedAt),
    correlationId,
    traceparent,
  });
}

export function eventLetter(letter: EventLetter): Letter {
  const { id, service, consumer, type, key, attempts, correlationId, traceparent } = letter;
  return compact({
    id,
    kind: "event",
    service,
    consumer,
    subject: contractSubject(letter.subject),
    type,
    messageId: letter.eventId,
    key,
    error: letter.error.slice(0, shortChars),
    attempts,
    firstFailedAt: time(letter.firstFailedAt),
    lastFailedAt: time(letter.lastFailedAt),
    correlationId,
    traceparent,
  });
}

export interface Whole {
  readonly type: string;
  readonly error: string;
  readonly stack: string;
  readonly data: Uint8Array;
}

/** With all there is of it; the message as it came only for who may see what is hidden. */
export function wholeLetter(letter: Letter, whole: Whole, types: MessageTypes, withData: boolean): Letter {
  const { type, error, stack, data } = whole;
  const payload = showPayload(types.find(type), data);
  return compact({ ...letter, error, stack, payload, data: withData ? data : undefined });
}

/** Ids of events begin with the name of a service and have a dot more. */
const jobPrefix = "job.";
const jobLetterId = /^job\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

/** The job that a dead letter with this id is; nothing for one of an event. */
export const jobIdOf = (letterId: string): string | undefined => jobLetterId.exec(letterId)?.[1];
