import type { Call, Logger, Metrics } from "#mesh";
import { asServiceInBackground } from "./as-service.ts";

/** Tells other services what happened, beside the answer and never in its way. */
export interface Reports {
  /** Starts the work at once and looks after its end; dropped when too much is under way. */
  send(what: string, call: Call, work: () => Promise<unknown>): void;
  /** Resolves when all that was started has ended. */
  settle(): Promise<void>;
}

export interface ReportsOptions {
  log: Logger;
  metrics: Metrics;
  /** Most that may be under way. */
  limit: number;
  /** Longest time of one report. */
  timeoutMs: number;
}

/**
 * Bounded, because a receiver that hangs must not gather all the reports of a
 * flood in this process's memory.
 */
export function createReports({ log, metrics, limit, timeoutMs }: ReportsOptions): Reports {
  const underWay = new Set<Promise<void>>();
  const lost = metrics.counter({
    name: "user_reports_lost_total",
    help: "Reports to security that did not arrive, by what they tell and why not.",
    labels: ["report", "why"],
  });

  return {
    send(what, call, work) {
      if (underWay.size >= limit) {
        lost.inc({ report: what, why: "too_many" });
        log.warn({ report: what, requestId: call.requestId }, "report dropped: too many are under way");
        return;
      }
      const done = asServiceInBackground(call, timeoutMs, work)
        .then(
          () => {},
          (error: unknown) => {
            lost.inc({ report: what, why: "failed" });
            log.warn({ err: error, report: what, requestId: call.requestId }, "report failed");
          },
        )
        .finally(() => underWay.delete(done));
      underWay.add(done);
    },
    async settle() {
      await Promise.all(underWay);
    },
  };
}
