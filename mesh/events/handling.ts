import type { DescMessage, Message } from "@bufbuild/protobuf";
import { fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { runInCall } from "../call/call.ts";
import type { LiveCall } from "../call/live-call.ts";
import type { Database } from "../db/database.ts";
import { codeName, isStoreAway, toWireError } from "../errors.ts";
import { uuidForm } from "../id.ts";
import type { Logger } from "../log/logger.ts";
import type { Tracer } from "../telemetry/tracer.ts";
import type { ConsumerMetrics } from "./consumer-metrics.ts";
import type { ConsumerPolicy } from "./consumer-policy.ts";
import { openEventCall } from "./event-call.ts";
import type { Failures } from "./inbox-store.ts";
import {
  enterInbox,
  enterInboxAll,
  enterInboxHolding,
  forgetFailures,
  leaveInbox,
  noteFailure,
  takeBackFailure,
} from "./inbox-store.ts";
import type { Judge } from "./judge.ts";
import type { Event, Subscription } from "./on.ts";
import type { Delivery, Verdict } from "./verdict.ts";
import { away, done, fenced, handedBack } from "./verdict.ts";

export interface HandlingOptions {
  readonly policy: ConsumerPolicy;
  readonly subscription: Subscription;
  /** Without one, an effect may come twice. */
  readonly db: Database | undefined;
  readonly judge: Judge;
  readonly metrics: ConsumerMetrics;
  readonly tracer: Tracer;
  readonly log: Logger;
  readonly stopping: AbortSignal;
  readonly now: () => number;
}

/** Gives events to their handler. Nothing here rejects. */
export interface Handling {
  handle(delivery: Delivery, epoch?: bigint): Promise<Verdict>;
  /**
   * Handles what waits in as few transactions as it can: where many wait, most
   * of the time would go into beginning and ending them. When one of them
   * fails, none has had an effect, and each is handled by itself.
   */
  handleAll(deliveries: readonly Delivery[]): Promise<readonly Verdict[]>;
}

/** A transaction that others wait for takes on no further event after this. */
const longMs = 50;

class Fenced extends Error {}

/** A delivery that can be given to the handler. */
interface Ready {
  readonly delivery: Delivery;
  readonly message: Message;
}

export function createHandling(options: HandlingOptions): Handling {
  const { policy, subscription, db, judge, metrics, tracer, log, stopping, now } = options;
  const { service, name, attempts: mostAttempts } = policy;
  const full = `${service}.${name}`;
  const schemas = new Map(subscription.schemas.map((it, at) => [policy.types[at]?.name ?? "", it]));
  const subjects = new Map(policy.types.map((type) => [type.name, type.subject]));

  /** The message in it, or what becomes of one that has none for us. */
  const read = (delivery: Delivery): Ready | Promise<Verdict> => {
    const { head, data, only } = delivery;
    if (only !== "" && only !== full) return Promise.resolve(done);
    const schema = schemas.get(head.type);
    if (!schema) {
      return judge.refuse(delivery, `its type is "${head.type}", which is none that ${full} handles`);
    }
    if (!uuidForm.test(head.id)) return judge.refuse(delivery, "its id is no UUID");
    const message = decode(schema, data);
    if (message instanceof Error) {
      return judge.refuse(delivery, `it is no ${head.type}: ${message.message}`);
    }
    return { delivery, message };
  };

  const eventOf = ({ head, deliveries }: Delivery, tx: Event["tx"], call: LiveCall): Event => ({
    id: head.id,
    subject: subjects.get(head.type) ?? "",
    source: head.source,
    key: head.key,
    time: head.time,
    attempt: deliveries,
    tx,
    call,
  });

  /** Runs the handler in a call of its own. */
  const run = async ({ delivery, message }: Ready, tx: Event["tx"]): Promise<void> => {
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

  /** The effect together with the note that it was had. */
  const runOnce = async (ready: Ready, tx: Event["tx"], epoch: bigint | undefined): Promise<void> => {
    const { id } = ready.delivery.head;
    const { held, entered } =
      epoch === undefined
        ? { held: true, entered: await enterInbox(tx, name, id) }
        : await enterInboxHolding(tx, name, id, epoch);
    if (!held) throw new Fenced();
    if (entered) await run(ready, tx);
    else metrics.handled(name, "repeated", 0);
  };

  const attempt = async (ready: Ready, epoch: bigint | undefined): Promise<Verdict> => {
    const { delivery } = ready;
    const { id } = delivery.head;
    let counted: Failures | undefined;
    try {
      // What takes the process with it cannot be counted afterwards.
      if (delivery.isSuspect && db) counted = await noteFailure(db.sql, name, id, new Date(now()));
      if (counted && counted.attempts > mostAttempts) throw neverEnded();
      if (db) await db.transaction((tx) => runOnce(ready, tx, epoch));
      else await run(ready, noTransaction);
      if (db && (counted || delivery.deliveries > 1)) await forgetFailures(db.sql, name, id);
      return done;
    } catch (error) {
      if (error instanceof Fenced) return fenced;
      if (!stopping.aborted && !isStoreAway(error)) return judge.failed(delivery, error, counted);
      if (counted && db) await takeBackFailure(db.sql, name, id);
      return stopping.aborted ? handedBack : away;
    }
  };

  const safely = async (delivery: Delivery, work: () => Promise<Verdict>): Promise<Verdict> => {
    try {
      return await work();
    } catch (err) {
      // The database went away in the middle of judging.
      log.warn({ err, event: delivery.head.id, consumer: name }, "cannot note what became of an event now");
      return away;
    }
  };

  const handle = (delivery: Delivery, epoch?: bigint): Promise<Verdict> =>
    safely(delivery, async () => {
      const ready = read(delivery);
      return "message" in ready ? attempt(ready, epoch) : ready;
    });

  /** How many of these had their effect in one transaction; none when one of them failed. */
  const together = async (database: Database, deliveries: readonly Ready[]): Promise<number> => {
    try {
      return await database.transaction(async (tx) => {
        const beganMs = performance.now();
        const ids = deliveries.map(({ delivery }) => delivery.head.id);
        const entered = await enterInboxAll(tx, name, ids);
        let count = 0;
        for (const ready of deliveries) {
          if (count > 0 && performance.now() - beganMs > longMs) break;
          // A stream may have the same one twice: it is new but once.
          if (entered.delete(ids[count] ?? "")) await run(ready, tx);
          else metrics.handled(name, "repeated", 0);
          count++;
        }
        if (count < ids.length)
          await leaveInbox(
            tx,
            name,
            ids.slice(count).filter((it) => entered.has(it)),
          );
        return count;
      });
    } catch {
      // Each is tried again by itself, where the reason is told.
      return 0;
    }
  };

  return {
    handle,
    async handleAll(deliveries) {
      const verdicts: Verdict[] = [];
      let at = 0;
      while (at < deliveries.length) {
        const group = db ? readyFrom(deliveries, at) : [];
        const count = db && group.length > 1 ? await together(db, group) : 0;
        for (let i = 0; i < count; i++) verdicts.push(done);
        at += count;
        if (count > 0) continue;
        // One of them fails, or nothing can be grouped: these go one by one.
        const end = at + Math.max(1, group.length);
        for (const delivery of deliveries.slice(at, end)) verdicts.push(await handle(delivery));
        at = end;
      }
      return verdicts;
    },
  };

  /** The run of deliveries from here on that come for the first time and can be handled. */
  function readyFrom(deliveries: readonly Delivery[], from: number): Ready[] {
    const group: Ready[] = [];
    for (const delivery of deliveries.slice(from)) {
      if (delivery.deliveries > 1 || delivery.only !== "" || !schemas.has(delivery.head.type)) break;
      const ready = read(delivery);
      if (!("message" in ready)) break;
      group.push(ready);
    }
    return group;
  }
}

const neverEnded = () =>
  new ConnectError(
    "it was begun and never ended, each time: its handler may end the process",
    Code.InvalidArgument,
  );

function decode(schema: DescMessage, data: Uint8Array): Message | Error {
  try {
    return fromBinary(schema, data);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** For services without a database; whoever uses it made a mistake. */
const noTransaction = new Proxy((() => {}) as unknown as Event["tx"], {
  apply() {
    throw new Error("this service has no database, so an event has no transaction");
  },
});
