import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { create, toBinary } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { JobRequestSchema } from "#gen/mesh/v1/jobs_pb.js";
import { currentCall } from "../call/call.ts";
import type { Query } from "../db/database.ts";
import { afterCommit } from "../db/database.ts";
import { fail } from "../errors.ts";
import { newId } from "../id.ts";
import { cloudEventHeaders } from "../messages/cloud-event.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { mostBytes } from "../nats/most-bytes.ts";
import type { Take } from "../outbox/outbox-store.ts";
import { validate } from "../rpc/validate.ts";
import type { Tracer } from "../telemetry/tracer.ts";
import { traceparentOf } from "../telemetry/tracer.ts";
import { jobTypeOf } from "./job-type.ts";
import { jobSubject, jobsStream } from "./stream.ts";

/** Has work done in the background. */
export interface Jobs {
  /**
   * Enqueues a job and gives back its id. With a transaction it is done if and
   * when that is committed, never otherwise; without one it is a matter of its
   * own. The queue service need not be there.
   */
  enqueue<D extends DescMessage>(
    schema: D,
    message: MessageInitShape<D>,
    options?: EnqueueOptions,
  ): Promise<string>;
}

export interface EnqueueOptions {
  /** The transaction that it belongs to. */
  readonly tx?: Query;
  /** Not before. Default: at once. */
  readonly runAt?: Date;
  /** Not before so long from now; where both are given, `runAt` counts. */
  readonly delayMs?: number;
  /** -100 to 100, higher goes first. Default: 0. */
  readonly priority?: number;
  /** How often it is tried before it is a dead letter. Default: as its contract says. */
  readonly attempts?: number;
  /** Longest time of one attempt. Default: as its contract says. */
  readonly timeoutMs?: number;
  /** Pause before the second attempt; doubles with each further one, up to an hour. Default: as its contract says. */
  readonly backoffMs?: number;
  /** A second job with the same key and type is the first one: the id that is given back for it leads nowhere. */
  readonly key?: string;
}

export interface JobsOptions {
  readonly service: string;
  readonly take: Take;
  readonly tracer: Tracer;
  readonly metrics: Metrics;
  readonly now: () => number;
}

export function createJobs({ service, take, tracer, metrics, now }: JobsOptions): Jobs {
  const enqueued = metrics.counter({
    name: "weft_jobs_enqueued_total",
    help: "Jobs that this service asked for and whose transaction was committed.",
    labels: ["type"],
  });
  return {
    async enqueue(schema, init, options = {}) {
      const type = jobTypeOf(schema);
      const message = create(schema, init);
      validate(schema, message);
      const payload = toBinary(schema, message);
      if (payload.length > mostBytes) {
        throw fail.invalid("job_too_large", `${type.name} has ${payload.length} bytes`, {
          remedy: `a job may have ${mostBytes}; keep the rest elsewhere and name it`,
        });
      }
      const { tx, runAt, delayMs, priority = 0, attempts, timeoutMs, backoffMs, key = "" } = options;
      for (const ms of [runAt?.getTime(), delayMs]) {
        if (ms !== undefined && !Number.isFinite(ms)) {
          throw fail.invalid("bad_run_at", `${type.name} is to run at no time there is`, {
            remedy: "give `runAt` a valid date, or `delayMs` a number",
          });
        }
      }
      const startMs = runAt?.getTime() ?? (delayMs === undefined ? undefined : now() + delayMs);
      const id = newId();
      const call = currentCall();
      const correlationId = call?.correlationId ?? id;
      const span = tracer.begin("producer", `enqueue job ${type.name}`, call?.span);
      const traceparent = traceparentOf(span);
      try {
        const request = create(JobRequestSchema, {
          id,
          type: type.name,
          queue: type.queue,
          payload,
          priority,
          maxAttempts: attempts ?? type.maxAttempts,
          timeout: durationFromMs(timeoutMs ?? type.timeoutMs),
          backoff: durationFromMs(backoffMs ?? type.backoffMs),
          idempotencyKey: key,
          source: service,
          userId: call?.caller.user?.id ?? "",
          correlationId,
          traceparent,
          ...(startMs !== undefined && { runAt: timestampFromMs(startMs) }),
        });
        validate(JobRequestSchema, request);
        const headers = cloudEventHeaders({
          id,
          source: service,
          type: JobRequestSchema.typeName,
          key: "",
          nowMs: now(),
          correlationId,
          traceparent,
        });
        const data = toBinary(JobRequestSchema, request);
        // Jobs have no order among each other, so none waits for another's transaction.
        await take({ id, stream: jobsStream, subject: jobSubject(type.queue), headers, data }, "", tx);
        tracer.end(span, { code: "ok" });
      } catch (error) {
        tracer.end(span, { code: "internal", error });
        throw error;
      }
      const count = () => enqueued.inc({ type: type.name });
      if (!tx || !afterCommit(tx, count)) count();
      return id;
    },
  };
}
