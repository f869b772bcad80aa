import type { ClaimedJob } from "#gen/mesh/v1/jobs_pb.js";
import type { LiveCall } from "../call/live-call.ts";
import { codeName, toWireError } from "../errors.ts";
import type { Outcome } from "./outcome.ts";
import type { WorkerMetrics, WorkerOutcome } from "./worker-metrics.ts";

export interface AttemptNote {
  readonly claimed: ClaimedJob;
  readonly outcome: Outcome;
  readonly error: unknown;
  readonly durationMs: number;
  readonly call: LiveCall;
  readonly metrics: WorkerMetrics;
}

/** One measurement, one span and one log line for each attempt. */
export function noteAttempt({ claimed, outcome, error, durationMs, call, metrics }: AttemptNote): void {
  const { id, type, maxAttempts, try: attempt } = claimed;
  const name = nameOf(outcome);
  metrics.judged(type, name, durationMs);
  const { tracer, span, log } = call;
  const why = error ?? call.ended;
  if (outcome.kind === "done") tracer.end(span, { code: "ok" });
  else tracer.end(span, { code: codeName(toWireError(why).code), error: why });
  const line = { job: id, type, outcome: name, attempt, maxAttempts, durationMs: Math.round(durationMs) };
  if (outcome.kind !== "failed") log.info(line, "job");
  else if (outcome.terminal || attempt >= maxAttempts) {
    log.error({ ...line, err: why }, `job is a dead letter; see \`weft jobs show ${id}\``);
  } else log.warn({ ...line, err: why }, "job failed; it is tried again");
}

function nameOf(outcome: Outcome): WorkerOutcome {
  if (outcome.kind !== "failed") return outcome.kind;
  if (outcome.timedOut) return "timed_out";
  return outcome.terminal ? "refused" : "failed";
}
