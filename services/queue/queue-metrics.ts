import type { Metrics } from "#mesh";
import type { QueueState } from "./queues-store.ts";

/** How a job's attempt ended, for the count. */
export type Ending = "done" | "failed" | "dead" | "given_back" | "worker_lost" | "timed_out" | "cancelled";

export interface Attempt {
  readonly queue: string;
  readonly type: string;
  readonly startedAt: Date | null;
}

/** What this service counts. */
export interface QueueMetrics {
  ended(attempt: Attempt, ending: Ending, nowMs: number): void;
  show(queues: readonly QueueState[]): void;
}

const buckets = [0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 3600];

export function createQueueMetrics(metrics: Metrics): QueueMetrics {
  const depth = metrics.gauge({
    name: "weft_queue_depth",
    help: "Jobs that are due and wait, by queue.",
    labels: ["queue"],
  });
  const oldest = metrics.gauge({
    name: "weft_queue_oldest_seconds",
    help: "How long the oldest job that is due has waited, by queue.",
    labels: ["queue"],
  });
  const inFlight = metrics.gauge({
    name: "weft_queue_in_flight",
    help: "Jobs that workers are at, by queue.",
    labels: ["queue"],
  });
  const dead = metrics.gauge({
    name: "weft_dead_jobs",
    help: "Jobs that failed for good and wait for somebody, by queue. Counted up to 100,000.",
    labels: ["queue"],
  });
  const jobs = metrics.counter({
    name: "weft_jobs_total",
    help: "Attempts that ended, by queue, type and how. `dead` is the last one of a job that failed for good.",
    labels: ["queue", "type", "outcome"],
  });
  const seconds = metrics.histogram({
    name: "weft_job_seconds",
    help: "Time of one attempt from its start until its end was told, by queue and type.",
    labels: ["queue", "type"],
    buckets,
  });
  return {
    ended({ queue, type, startedAt }, outcome, nowMs) {
      jobs.inc({ queue, type, outcome });
      if (startedAt) seconds.observe({ queue, type }, Math.max(0, nowMs - startedAt.getTime()) / 1000);
    },
    show(queues) {
      for (const { name, ...state } of queues) {
        depth.set({ queue: name }, state.depth);
        oldest.set({ queue: name }, state.oldestMs / 1000);
        inFlight.set({ queue: name }, state.inFlight);
        dead.set({ queue: name }, state.dead);
      }
    },
  };
}
