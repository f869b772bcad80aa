import type { DescMessage, Message } from "@bufbuild/protobuf";
import { fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { runInCall } from "../call/call.ts";
import { anonymous } from "../call/identity.ts";
import { LiveCall } from "../call/live-call.ts";
import type { Database } from "../db/database.ts";
import { codeName, isStoreAway, toWireError } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import { backoffMs } from "../resilience/backoff.ts";
import { parseTraceparent } from "../telemetry/trace-context.ts";
import type { Tracer } from "../telemetry/tracer.ts";
import type { EventHead } from "./cloud-event.ts";
import type { ConsumerMetrics } from "./consumer-metrics.ts";
import type { ConsumerPolicy } from "./consumer-policy.ts";
import type { DeadLetters, Failure } from "./dead-letters.ts";
import { deadId, isUuid } from "./dead-letters.ts";
import type { Failures } from "./inbox-store.ts";
import {
  enterInbox,
  enterInboxHolding,
  forgetFailures,
  noteFailure,
  takeBackFailure,
} from "./inbox-store.ts";
import type { Event, Subscription } from "./on.ts";

/** A message as a consumer gets it. */
export interface Delivery {
  readonly head: EventHead;
  /** Names and values by turns. */
  readonly headers: readonly string[];
  readonly data: Uint8Array;
  /** Without a namespace. */
  readonly subject: string;
  readonly sequence: number;
  /** How often it was delivered, this time included. */
  readonly deliveries: number;
  /** It may have been begun before and have taken the process with it. */
  readonly isSuspect: boolean;
  /** The one consumer that it is for; empty for all. */
  readonly only: string;
}

/** What is to become of a delivery. */
export type Verdict =
  | { readonly kind: "done" }
  | { readonly kind: "again"; readonly afterMs: number }
  /** Another instance has taken over. */
  | { readonly kind: "fenced" };

export interface HandlingOptions {
  readonly policy: ConsumerPolicy;
  readonly subscription: Subscription;
  /** Without one, attempts are counted by the broker, and an effect may come twice. */
  readonly db: Database | undefined;
  readonly deadLetters: Pick<DeadLetters, "bury">;
  readonly metrics: ConsumerMetrics;
  readonly tracer: Tracer;
  readonly log: Logger;
  readonly stopping: AbortSignal;
  readonly now: () => number;
  readonly random: () => number;
}

export interface Handling {
  /** Never rejects. */
  handle(delivery: Delivery, epoch?: bigint): Promise<Verdict>;
}

/** A store or broker that is away is no fault of the event: it is tried again until it works. */
const awayMs = 1000;

const done: Verdict = { kind: "done" };
const fenced: Verdict = { kind: "fenced" };

class Fenced extends Error {}

/** Decides what becomes of each event: its effect, another attempt, or a dead letter. */
export function createHandling(options: HandlingOptions): Handling {
  const { policy, subscription, db, deadLetters, metrics, tracer, log, stopping, now, random } = options;
  const { service, name, attempts: mostAttempts } = policy;
  const full = `${service}.${name}`;
  const schemas = new Map(subscription.schemas.map((it, at) => [policy.types[at]?.name ?? "", it]));
  const subjects = new Map(policy.types.map((type) => [type.name, type.subject]));

  const bury = async (delivery: Delivery, failure: Failure): Promise<Verdict> => {
    const { head, headers, data, subject, sequence } = delivery;
    const id = deadId(head, policy.stream, sequence);
    try {
      await deadLetters.bury(
        { id, service, consumer: name, stream: policy.stream, subject, headers, data },
        failure,
      );
    } catch (err) {
      log.warn({ err, event: head.id, consumer: name }, "cannot keep a dead letter now; tried again");
      return { kind: "again", afterMs: awayMs };
    }
    metrics.handled(name, "dead", 0);
    log.error(
      { event: head.id, subject, consumer: name, attempts: failure.attempts, reason: failure.error },
      `event is a dead letter; see \`weft dlq show ${full}.${id}\``,
    );
    return done;
  };

  const refuse = (delivery: Delivery, error: string) => {
    const at = new Date(now());
    return bury(delivery, { error, stack: "", attempts: 1, firstFailedAt: at, lastFailedAt: at });
  };

  /** Runs the handler; tells whether it was news. */
  const perform = async (call: LiveCall, message: Message, delivery: Delivery, epoch: bigint | undefined) => {
    const { id } = delivery.head;
    const run = (tx: Event["tx"]) => runInCall(call, () => subscription.handler(message, eventOf(tx)));
    const eventOf = (tx: Event["tx"]): Event => ({
      id,
      subject: subjects.get(delivery.head.type) ?? "",
      source: delivery.head.source,
      key: delivery.head.key,
      time: delivery.head.time,
      attempt: delivery.deliveries,
      tx,
      call,
    });
    if (!db) {
      await run(noTransaction);
      return true;
    }
    return db.transaction(async (tx) => {
      const { held, entered } =
        epoch === undefined
          ? { held: true, entered: await enterInbox(tx, name, id) }
          : await enterInboxHolding(tx, name, id, epoch);
      if (!held) throw new Fenced();
      if (entered) await run(tx);
      return entered;
    });
  };

  /** Counts the failure and decides what comes of it. */
  const judge = async (
    delivery: Delivery,
    error: unknown,
    counted: Failures | undefined,
  ): Promise<Verdict> => {
    const { head, deliveries } = delivery;
    const at = new Date(now());
    const failures = counted ??
      (db && (await noteFailure(db.sql, name, head.id, at))) ?? {
        attempts: deliveries,
        firstFailedAt: at,
        lastFailedAt: at,
      };
    if (isTerminal(error) || failures.attempts >= mostAttempts) {
      const verdict = await bury(delivery, { ...describe(error), ...failures });
      // Replayed one day, it has all its attempts.
      if (verdict === done && db) await forgetFailures(db.sql, name, head.id);
      return verdict;
    }
    const step = Math.min(policy.backoff.maxMs, policy.backoff.baseMs * 2 ** (failures.attempts - 1));
    const afterMs = Math.round(step / 2 + backoffMs(failures.attempts, random, 0, policy.backoff) / 2);
    log.warn(
      { err: error, event: head.id, consumer: name, attempt: failures.attempts, afterMs },
      "event could not be handled; tried again",
    );
    return { kind: "again", afterMs };
  };

  const attempt = async (
    delivery: Delivery,
    message: Message,
    epoch: bigint | undefined,
  ): Promise<Verdict> => {
    const { head } = delivery;
    const span = tracer.begin("consumer", `process ${delivery.subject}`, parseTraceparent(head.traceparent));
    const call = new LiveCall({
      method: `${full} of ${head.type}`,
      requestId: head.id,
      correlationId: head.correlationId || head.id,
      span,
      tracer,
      // Nobody has proved it: for records of who did what, not for rights.
      caller: head.source === "" ? anonymous : { service: { name: head.source, scopes: [] } },
      userToken: "",
      envelope: noEnvelope,
      client: () => ({ address: "", userAgent: head.source }),
      budgetMs: policy.timeoutMs,
      log,
    });
    const startedMs = performance.now();
    let counted: Failures | undefined;
    try {
      // What takes the process with it cannot be counted afterwards.
      if (delivery.isSuspect && db) counted = await noteFailure(db.sql, name, head.id, new Date(now()));
      if (counted && counted.attempts > mostAttempts) {
        throw new ConnectError(
          "it was begun and never ended, each time: its handler may end the process",
          Code.InvalidArgument,
        );
      }
      const isNews = await perform(call, message, delivery, epoch);
      if (db && (counted || delivery.deliveries > 1)) await forgetFailures(db.sql, name, head.id);
      metrics.handled(name, isNews ? "done" : "repeated", performance.now() - startedMs);
      tracer.end(span, { code: "ok" });
      return done;
    } catch (error) {
      tracer.end(span, { code: codeName(toWireError(error).code), error });
      if (error instanceof Fenced) return fenced;
      if (stopping.aborted || isStoreAway(error)) {
        if (counted && db) await takeBackFailure(db.sql, name, head.id);
        return { kind: "again", afterMs: stopping.aborted ? 0 : awayMs };
      }
      metrics.handled(name, "failed", performance.now() - startedMs);
      return await judge(delivery, error, counted);
    } finally {
      call.finish();
    }
  };

  return {
    async handle(delivery, epoch) {
      const { head, data, only } = delivery;
      if (only !== "" && only !== full) return done;
      try {
        const schema = schemas.get(head.type);
        if (!schema)
          return await refuse(delivery, `its type is "${head.type}", which is none that ${full} handles`);
        if (!isUuid.test(head.id)) return await refuse(delivery, "its id is no UUID");
        const message = decode(schema, data);
        if (message instanceof Error)
          return await refuse(delivery, `it is no ${head.type}: ${message.message}`);
        return await attempt(delivery, message, epoch);
      } catch (err) {
        // The database went away in the middle of judging.
        log.warn(
          { err, event: head.id, consumer: name },
          "cannot note what became of an event now; tried again",
        );
        return { kind: "again", afterMs: awayMs };
      }
    },
  };
}

/** Never right, however often it is tried. */
function isTerminal(error: unknown): boolean {
  return (
    error instanceof ConnectError &&
    (error.code === Code.InvalidArgument ||
      error.code === Code.Unimplemented ||
      error.code === Code.OutOfRange)
  );
}

function describe(error: unknown): { error: string; stack: string } {
  const inner = error instanceof ConnectError && error.cause instanceof Error ? error.cause : error;
  if (!(inner instanceof Error)) return { error: String(inner), stack: "" };
  return { error: inner.message, stack: inner.stack ?? "" };
}

function decode(schema: DescMessage, data: Uint8Array): Message | Error {
  try {
    return fromBinary(schema, data);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

const noEnvelope = {
  get requestHeader() {
    return new Headers();
  },
  get responseHeader() {
    return new Headers();
  },
  get responseTrailer() {
    return new Headers();
  },
};

/** For services without a database; whoever uses it made a mistake. */
const noTransaction = new Proxy((() => {}) as unknown as Event["tx"], {
  apply() {
    throw new Error("this service has no database, so an event has no transaction");
  },
});
