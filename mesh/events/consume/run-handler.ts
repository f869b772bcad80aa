import { runInCall } from "../../call/call.ts";
import type { LiveCall } from "../../call/live-call.ts";
import type { Transaction } from "../../db/database.ts";
import { codeName, fail, toWireError } from "../../errors.ts";
import type { Logger } from "../../log/logger.ts";
import type { Tracer } from "../../telemetry/tracer.ts";
import type { ConsumerPolicy } from "./compile-consumers.ts";
import type { ConsumerMetrics } from "./consumer-metrics.ts";
import type { Delivery } from "./delivery.ts";
import { openEventCall } from "./event-call.ts";
import type { Event, Subscription } from "./on.ts";
import type { Ready } from "./read-delivery.ts";

export interface RunnerOptions {
  readonly policy: ConsumerPolicy;
  readonly subscription: Subscription;
  readonly metrics: ConsumerMetrics;
  readonly tracer: Tracer;
  readonly log: Logger;
}

/** Runs the handler in a call of its own. */
export type RunHandler = (ready: Ready, tx: Transaction) => Promise<void>;

export function createRunner({ policy, subscription, metrics, tracer, log }: RunnerOptions): RunHandler {
  const { name, types } = policy;
  const subjects = new Map(types.map((type) => [type.name, type.subject]));

  const eventOf = ({ head, deliveries }: Delivery, tx: Transaction, call: LiveCall): Event => ({
    id: head.id,
    subject: subjects.get(head.type) ?? "",
    source: head.source,
    key: head.key,
    time: head.time,
    attempt: deliveries,
    tx,
    call,
  });

  return async ({ delivery, message }, tx) => {
    const call = openEventCall(delivery, policy, tracer, log);
    const startedMs = performance.now();
    try {
      await runInCall(call, () => subscription.handler(message, eventOf(delivery, tx, call)));
      metrics.handled(name, "done", performance.now() - startedMs);
      tracer.end(call.span, { code: "ok" });
    } catch (error) {
      metrics.handled(name, "failed", performance.now() - startedMs);
      tracer.end(call.span, { code: codeName(toWireError(error).code), error });
      throw error;
    } finally {
      call.finish();
    }
  };
}

/** For services without a database; whoever uses it made a mistake. */
export const noTransaction = new Proxy((() => {}) as unknown as Transaction, {
  apply() {
    throw fail.internal("no_database", "an event has no transaction in a service without a database", {
      remedy: "give the service one",
    });
  },
});
