import { durationMs, timestampDate } from "@bufbuild/protobuf/wkt";
import type { CreateJobRequest, QueueService } from "#gen/queue/v1/queue_pb.js";
import type { Call, Database, Handlers } from "#mesh";
import { cleanText, decodePage, fail, newId, paged, pagePart, pageSize, permits } from "#mesh";
import type { Enqueue } from "./enqueue.ts";
import type { JobRow, NewJob } from "./jobs-store.ts";
import { findJob, findSameJob, listJobs, lockJobs, saveChanges } from "./jobs-store.ts";
import { cancel } from "./lifecycle.ts";
import type { MessageTypes } from "./message-types.ts";
import { requireJobType } from "./message-types.ts";
import type { Nudge } from "./nudges.ts";
import { encodePayload } from "./payload.ts";
import { statesOf, toJob, toWholeJob } from "./present.ts";
import type { QueueMetrics } from "./queue-metrics.ts";
import { jobIsOver, noJob } from "./refusals.ts";
import type { Retry } from "./retrial.ts";

export type JobHandlers = Pick<
  Handlers<typeof QueueService>,
  "createJob" | "getJob" | "listJobs" | "cancelJob" | "retryJob"
>;

export interface JobsOptions {
  db: Database;
  enqueue: Enqueue;
  types: MessageTypes;
  retry: Retry;
  nudge: Nudge;
  metrics: QueueMetrics;
  now: () => number;
}

export function jobs({ db, enqueue, types, retry, nudge, metrics, now }: JobsOptions): JobHandlers {
  return {
    async createJob(request, call) {
      const job = newJob(request, call);
      await enqueue([job]);
      // The one that was there already, when it has the same key.
      const row = await findSameJob(db.sql, job);
      if (!row) throw noJob();
      return { job: toWholeJob(row, types) };
    },

    async getJob({ id }, call) {
      const row = await findJob(db.sql, id);
      if (!row || !maySee(call, row, "queue:read")) throw noJob();
      return { job: toWholeJob(row, types) };
    },

    async listJobs({ pageSize: wanted, pageToken, status, ...request }) {
      const [queue, type] = [cleanText(request.queue), cleanText(request.type)];
      const size = pageSize(wanted);
      const beforeId = decodePage(pageToken, [pagePart.uuid])?.[0];
      const rows = await listJobs(db.sql, {
        queue,
        type,
        states: statesOf(status),
        beforeId,
        limit: size + 1,
      });
      const page = paged(rows, size, ({ id }) => [id]);
      return { jobs: page.rows.map(toJob), nextPageToken: page.nextPageToken };
    },

    async cancelJob({ id }, call) {
      const nowMs = now();
      const { before, after } = await db.transaction(async (tx) => {
        const [row] = await lockJobs(tx, [id]);
        if (!row || !maySee(call, row, "queue:write")) throw noJob();
        if (row.state === "done" || row.state === "dead") throw jobIsOver(row.state);
        const change = cancel(row, nowMs);
        if (change) await saveChanges(tx, [{ id: row.id, queue: row.queue, change }], new Date(nowMs));
        return { before: row, after: await findJob(tx, id) };
      });
      if (!after) throw noJob();
      if (before.state === "running") {
        metrics.ended(before, "cancelled", nowMs);
        nudge([before.queue]);
      }
      return { job: toWholeJob(after, types) };
    },

    async retryJob({ id }) {
      return { job: toWholeJob(await retry(id), types) };
    },
  };

  function newJob(request: CreateJobRequest, call: Call): NewJob {
    const type = requireJobType(types, request.type);
    const { payload = {}, priority, idempotencyKey, timeout, backoff } = request;
    if (idempotencyKey.includes("\0")) {
      throw fail.invalid("bad_idempotency_key", "idempotency_key holds a NUL, which no text may");
    }
    const nowMs = now();
    return {
      id: newId(nowMs),
      type: request.type,
      queue: type.queue,
      payload: encodePayload(type, payload),
      priority,
      runAt: runAtOf(request, nowMs),
      maxAttempts: request.maxAttempts || type.maxAttempts,
      timeoutMs: timeout ? Math.max(1, Math.round(durationMs(timeout))) : type.timeoutMs,
      backoffMs: backoff ? Math.round(durationMs(backoff)) : type.backoffMs,
      idempotencyKey,
      source: call.caller.service?.name ?? "",
      userId: call.caller.user?.id ?? "",
      correlationId: call.correlationId,
      traceparent: call.traceparent,
    };
  }
}

function runAtOf({ runAt, delay }: CreateJobRequest, nowMs: number): Date {
  if (runAt && delay) {
    throw fail.invalid("two_times", "run_at and delay are both set", { remedy: "leave one of them out" });
  }
  if (runAt) return timestampDate(runAt);
  return new Date(nowMs + (delay ? durationMs(delay) : 0));
}

/** A user by permission; a service that calls for itself only what it asked for, for jobs hold what is others'. */
function maySee({ caller: { user, service } }: Call, job: JobRow, permission: string): boolean {
  if (user && permits(user.permissions, permission)) return true;
  return service?.name === "operator" || (service !== undefined && service.name === job.source);
}
