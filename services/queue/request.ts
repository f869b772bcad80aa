import { fromBinary } from "@bufbuild/protobuf";
import { durationMs, timestampDate } from "@bufbuild/protobuf/wkt";
import type { JobRequest } from "#gen/mesh/v1/jobs_pb.js";
import { JobRequestSchema } from "#gen/mesh/v1/jobs_pb.js";
import { fail } from "#mesh";
import { usualJob } from "#mesh/jobs/job-type.ts";
import { validate } from "#mesh/rpc/validate.ts";
import type { NewJob } from "./jobs-store.ts";

/** Reads a request as a service sent it. Throws when it is none, or breaks the rules of its contract. */
export function readRequest(data: Uint8Array, nowMs: number): NewJob {
  const request = decode(data);
  validate(JobRequestSchema, request);
  const { id, type, queue, payload, priority, maxAttempts, source, userId } = request;
  const { idempotencyKey, correlationId, traceparent } = request;
  const texts = { type, idempotencyKey, source, userId, correlationId, traceparent };
  for (const [name, text] of Object.entries(texts)) {
    if (text.includes("\0")) throw fail.invalid("bad_job_request", `${name} holds a NUL, which no text may`);
  }
  return {
    id,
    queue,
    payload,
    priority,
    maxAttempts,
    ...texts,
    runAt: request.runAt ? timestampDate(request.runAt) : new Date(nowMs),
    timeoutMs: request.timeout ? Math.max(1, Math.round(durationMs(request.timeout))) : usualJob.timeoutMs,
    backoffMs: request.backoff ? Math.round(durationMs(request.backoff)) : usualJob.backoffMs,
  };
}

function decode(data: Uint8Array): JobRequest {
  try {
    return fromBinary(JobRequestSchema, data);
  } catch (cause) {
    throw fail.invalid("bad_job_request", "what came is no mesh.v1.JobRequest", {
      remedy: "see what publishes to the subjects of jobs",
      cause,
    });
  }
}
