import type { Database } from "../../db/database.ts";
import type { DeadLetters } from "../../dead-letters/dead-letters.ts";
import type { Failure } from "../../dead-letters/letter.ts";
import { deadId } from "../../dead-letters/letter-id.ts";
import { uuidForm } from "../../id.ts";
import type { Failures } from "../../inbox/failures-store.ts";
import { forgetFailures, noteFailure } from "../../inbox/failures-store.ts";
import type { Logger } from "../../log/logger.ts";
import { describeFailure, isTerminal } from "../../messages/failing.ts";
import { pauseMs } from "../../resilience/backoff.ts";
import type { ConsumerPolicy } from "./compile-consumers.ts";
import type { ConsumerMetrics } from "./consumer-metrics.ts";
import type { Delivery } from "./delivery.ts";
import type { Verdict } from "./verdict.ts";
import { away, done } from "./verdict.ts";

export interface JudgeOptions {
  readonly policy: ConsumerPolicy;
  /** Without one, attempts are counted by the broker. */
  readonly db: Database | undefined;
  readonly deadLetters: Pick<DeadLetters, "bury">;
  readonly metrics: ConsumerMetrics;
  readonly log: Logger;
  readonly now: () => number;
  readonly random: () => number;
}

/** Decides what becomes of events that could not be handled: another attempt, or a dead letter. */
export interface Judge {
  /** No attempt can mend it; `counted` when it was begun. */
  refuse(delivery: Delivery, error: string, counted?: Failures): Promise<Verdict>;
  /** It failed; `counted` when that was noted before it began. */
  failed(delivery: Delivery, error: unknown, counted: Failures | undefined): Promise<Verdict>;
}

export function createJudge({ policy, db, deadLetters, metrics, log, now, random }: JudgeOptions): Judge {
  const { service, name, stream, attempts: mostAttempts, backoff } = policy;

  const bury = async (delivery: Delivery, failure: Failure): Promise<Verdict> => {
    const { head, headers, data, subject, sequence } = delivery;
    const id = deadId(head, stream, sequence);
    try {
      await deadLetters.bury({ id, service, consumer: name, stream, subject, headers, data }, failure);
    } catch (err) {
      log.warn({ err, event: head.id, consumer: name }, "cannot keep a dead letter now; tried again");
      return away;
    }
    metrics.handled(name, "dead", 0);
    log.error(
      { event: head.id, subject, consumer: name, attempts: failure.attempts, reason: failure.error },
      `event is a dead letter; see \`weft dlq show ${service}.${name}.${id}\``,
    );
    return done;
  };

  const giveUp = async (delivery: Delivery, failure: Failure): Promise<Verdict> => {
    const verdict = await bury(delivery, failure);
    // Replayed one day, it has all its attempts.
    if (verdict === done && db && uuidForm.test(delivery.head.id)) {
      await forgetFailures(db.sql, name, delivery.head.id);
    }
    return verdict;
  };

  const count = async ({ head, deliveries }: Delivery, at: Date): Promise<Failures> => {
    const noted = db && (await noteFailure(db.sql, name, head.id, at));
    return noted ?? { attempts: deliveries, firstFailedAt: at, lastFailedAt: at };
  };

  return {
    refuse(delivery, error, counted) {
      const at = new Date(now());
      const failures = counted ?? { attempts: 1, firstFailedAt: at, lastFailedAt: at };
      return giveUp(delivery, { error, stack: "", ...failures });
    },
    async failed(delivery, error, counted) {
      const { head } = delivery;
      const failures = counted ?? (await count(delivery, new Date(now())));
      const { attempts } = failures;
      if (isTerminal(error) || attempts >= mostAttempts) {
        return giveUp(delivery, { ...describeFailure(error), ...failures });
      }
      const afterMs = pauseMs(attempts, random, backoff);
      log.warn(
        { err: error, event: head.id, consumer: name, attempt: attempts, afterMs },
        "event could not be handled; tried again",
      );
      return { kind: "again", afterMs };
    },
  };
}
