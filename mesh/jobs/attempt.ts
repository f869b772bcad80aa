import type { DescMessage, Message } from "@bufbuild/protobuf";
import { fromBinary } from "@bufbuild/protobuf";
import { durationMs, timestampDate } from "@bufbuild/protobuf/wkt";
import type { ClaimedJob } from "#gen/mesh/v1/jobs_pb.js";
import { runInCall } from "../call/call.ts";
import { anonymous } from "../call/identity.ts";
import { LiveCall } from "../call/live-call.ts";
import { noEnvelope } from "../call/no-envelope.ts";
import type { Database } from "../db/database.ts";
import { fail, isStoreAway } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import { validate } from "../rpc/validate.ts";
import { parseTraceparent } from "../telemetry/trace-context.ts";
import type { Tracer } from "../telemetry/tracer.ts";
import type { Job } from "./job.ts";
import { usualJob } from "./job-type.ts";
import { noteAttempt } from "./note-attempt.ts";
import { createOnce } from "./once.ts";
import type { Lease, Outcome } from "./outcome.ts";
import { done, failedBy, givenBack, lost, timedOut } from "./outcome.ts";
import type { Progress } from "./progress.ts";
import { createProgress } from "./progress.ts";
import type { WorkerMetrics } from "./worker-metrics.ts";
import type { CompiledWork, WorkerPolicy } from "./worker-policy.ts";

export interface AttemptOptions {
  readonly service: string;
  readonly claimed: ClaimedJob;
  readonly work: CompiledWork;
  readonly db: Database | undefined;
  readonly tracer: Tracer;
  readonly metrics: WorkerMetrics;
  readonly log: Logger;
  readonly policy: WorkerPolicy;
  /** There is something new to show. */
  readonly progressed: () => void;
}

/** One attempt at a job, while its handler runs. */
export interface Attempt {
  readonly lease: Lease;
  readonly type: string;
  readonly progress: Progress;
  /** Whether the queue is to know that it is worked on. */
  readonly isLive: () => boolean;
  /** What became of it, as soon as that is certain. Never rejects. */
  readonly outcome: Promise<Outcome>;
  /** Its handler is over, which may be later. Never rejects. */
  readonly over: Promise<void>;
  /** The queue has taken it away. */
  lose(): void;
  /** The worker ends; what is not done by itself within this time is given back. */
  giveBack(withinMs: number): void;
}

/** Why an attempt is ended before its handler. */
type Fate = "timed_out" | "lost" | "given_back";

export function beginAttempt(options: AttemptOptions): Attempt {
  const { service, claimed, work, db, tracer, metrics, log, policy, progressed } = options;
  const { id, type, payload, attempt } = claimed;
  const timeoutMs = claimed.timeout ? durationMs(claimed.timeout) : usualJob.timeoutMs;
  const startedMs = performance.now();
  const span = tracer.begin("consumer", `process job ${type}`, parseTraceparent(claimed.traceparent));
  const call = new LiveCall({
    method: `job ${type}`,
    requestId: id,
    correlationId: claimed.correlationId || id,
    span,
    tracer,
    caller: anonymous,
    userToken: "",
    envelope: noEnvelope,
    client: () => ({ address: "", userAgent: service }),
    budgetMs: timeoutMs,
    log,
  });
  const progress = createProgress(progressed);
  const judged = Promise.withResolvers<Outcome>();
  let fate: Fate | undefined;
  let isJudged = false;
  let heeding: NodeJS.Timeout | undefined;
  let heedMs = policy.heedMs;

  const judge = (outcome: Outcome, error?: unknown) => {
    if (isJudged) return;
    isJudged = true;
    judged.resolve(outcome);
    const durationMs = performance.now() - startedMs;
    noteAttempt({ claimed, outcome, error, durationMs, call, metrics });
  };

  call.onEnd(() => {
    fate ??= "timed_out";
    if (fate === "lost") judge(lost);
    heeding = setTimeout(() => {
      judge(fate === "given_back" ? givenBack : timedOut(timeoutMs));
      call.log.warn(
        { job: id, type, timeoutMs },
        "a job's handler goes on although its signal is aborted; it keeps its place until it ends",
      );
    }, heedMs).unref();
  });

  const job: Job = {
    id,
    attempt: claimed.try || attempt,
    maxAttempts: claimed.maxAttempts,
    createdAt: claimed.createdAt ? timestampDate(claimed.createdAt) : new Date(0),
    key: claimed.idempotencyKey,
    userId: claimed.userId,
    get signal() {
      return call.signal;
    },
    call,
    once: createOnce({
      db,
      type,
      id,
      mustGoOn: () => {
        if (call.ended !== undefined) throw call.ended;
      },
    }),
    progress: progress.tell,
  };

  const run = async () => {
    try {
      const message = read(work.schema, payload);
      await runInCall(call, () => work.handler(message, job));
      judge(done);
    } catch (error) {
      if (isJudged) return;
      if (fate === "given_back") judge(givenBack, error);
      else if (fate === "timed_out")
        judge(timedOut(timeoutMs, error === call.ended ? undefined : error), error);
      else if (await isNoFaultOfIts(error, db)) {
        await new Promise((resolve) => setTimeout(resolve, policy.storeAwayMs));
        judge(givenBack, error);
      } else judge(failedBy(error), error);
    } finally {
      clearTimeout(heeding);
      call.finish();
      metrics.over(type);
    }
  };

  metrics.begun(type);
  return {
    lease: { id, attempt },
    type,
    progress,
    isLive: () => !isJudged && fate === undefined,
    outcome: judged.promise,
    over: run(),
    lose() {
      fate ??= "lost";
      call.end(
        fail.aborted(
          "job_lost",
          "the job is not this worker's any more: it was cancelled or given to another",
        ),
      );
    },
    giveBack(withinMs) {
      fate ??= "given_back";
      heedMs = withinMs;
      call.end(
        fail.unavailable("stopping", `this instance of ${service} is stopping`, {
          remedy: "the job is given back and another does it",
        }),
      );
    },
  };
}

/** Whoever put it in may have gone by another version of its contract. */
function read(schema: DescMessage, payload: Uint8Array): Message {
  let message: Message;
  try {
    message = fromBinary(schema, payload);
  } catch (cause) {
    throw fail.invalid("bad_job_payload", `its payload is no ${schema.typeName}`, { cause });
  }
  validate(schema, message);
  return message;
}

/**
 * Whether its service's own database is away, which attempts are not to be lost
 * by. The error alone does not tell: a mail server that is down looks the same.
 */
async function isNoFaultOfIts(error: unknown, db: Database | undefined): Promise<boolean> {
  if (!db || !isStoreAway(error)) return false;
  try {
    await db.sql`select 1`;
    return false;
  } catch {
    return true;
  }
}
