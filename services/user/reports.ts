import type { Call, Logger, Metrics } from "#mesh";
import { asServiceInBackground } from "#mesh";
import { networkOf } from "./network.ts";
import type { ReportKind } from "./report-limits.ts";
import type { EndTurn, TurnsOptions } from "./turns.ts";
import { createTurns } from "./turns.ts";

type Work = () => Promise<unknown>;

/** Tells other services what happened, beside the answer and never in its way. */
export interface Reports {
  /** Starts the work at once and looks after its end; dropped when too much is under way. */
  send(kind: ReportKind, call: Call, work: Work): void;
  /**
   * Waits, as long as the call does, until a report can be sent, and only then
   * acts: what cannot be reported is not done. Waiting after the action, a
   * caller could leave no trace of it by hanging up.
   */
  during<T>(kind: ReportKind, call: Call, action: (send: (work: Work) => void) => Promise<T>): Promise<T>;
  /** Resolves when all that was started has ended. */
  settle(): Promise<void>;
}

export interface ReportsOptions {
  log: Logger;
  metrics: Metrics;
  limits: Readonly<Record<ReportKind, TurnsOptions>>;
  /** Longest time of one report. */
  timeoutMs: number;
}

/**
 * Bounded, because a receiver that hangs must not gather all the reports of a
 * flood in this process's memory.
 */
export function createReports({ log, metrics, limits, timeoutMs }: ReportsOptions): Reports {
  const underWay = new Set<Promise<void>>();
  const turns = {
    sign_in: createTurns(limits.sign_in),
    sign_in_audit: createTurns(limits.sign_in_audit),
    audit: createTurns(limits.audit),
  };
  const lost = metrics.counter({
    name: "user_reports_lost_total",
    help: "Reports to security that did not arrive, by what they tell and why not.",
    labels: ["report", "why"],
  });

  const start = (kind: ReportKind, call: Call, endTurn: EndTurn, work: Work) => {
    const done = asServiceInBackground(call, timeoutMs, work)
      .then(
        () => {},
        (error: unknown) => {
          lost.inc({ report: kind, why: "failed" });
          log.warn({ err: error, report: kind, requestId: call.requestId }, "report failed");
        },
      )
      .finally(() => {
        underWay.delete(done);
        endTurn();
      });
    underWay.add(done);
  };

  return {
    send(kind, call, work) {
      const endTurn = turns[kind].take(callerOf(call));
      if (endTurn) return start(kind, call, endTurn, work);
      lost.inc({ report: kind, why: "too_many" });
      log.warn({ report: kind, requestId: call.requestId }, "report dropped: too many are under way");
    },

    async during(kind, call, action) {
      const endTurn = await turns[kind].wait(callerOf(call), call.signal);
      let sent = false;
      try {
        return await action((work) => {
          sent = true;
          start(kind, call, endTurn, work);
        });
      } finally {
        if (!sent) endTurn();
      }
    },

    async settle() {
      await Promise.all(underWay);
    },
  };
}

/** Whose share a report takes: the user's, or for those who are not signed in their network's. */
const callerOf = ({ caller, client }: Call): string =>
  caller.user ? `user/${caller.user.id}` : `network/${networkOf(client.address)}`;
