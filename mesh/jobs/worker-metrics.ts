import type { Metrics } from "../metrics/metrics.ts";
import type { Outcome } from "./outcome.ts";

export type WorkerOutcome = Outcome["kind"] | "timed_out" | "refused";

export interface WorkerMetrics {
  begun(type: string): void;
  /** An attempt was judged. */
  judged(type: string, outcome: WorkerOutcome, durationMs: number): void;
  /** Its handler is over: its place is free. */
  over(type: string): void;
}

export function createWorkerMetrics(metrics: Metrics): WorkerMetrics {
  const jobs = metrics.counter({
    name: "weft_worker_jobs_total",
    help: "Attempts at jobs by outcome; refused: failed, and no other attempt would help; lost: cancelled or given to another worker.",
    labels: ["type", "outcome"],
  });
  const seconds = metrics.histogram({
    name: "weft_worker_job_seconds",
    help: "How long attempts at jobs took.",
    labels: ["type"],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800],
  });
  const inHand = metrics.gauge({
    name: "weft_worker_in_hand",
    help: "Jobs that this instance does now.",
    labels: ["type"],
  });
  return {
    begun: (type) => inHand.inc({ type }),
    judged(type, outcome, durationMs) {
      jobs.inc({ type, outcome });
      seconds.observe({ type }, durationMs / 1000);
    },
    over: (type) => inHand.dec({ type }),
  };
}
