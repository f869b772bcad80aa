import type { Database, Transaction } from "../../db/database.ts";
import { isStoreAway } from "../../errors.ts";
import type { Failures } from "../../inbox/failures-store.ts";
import { forgetFailures, noteFailure, takeBackFailure } from "../../inbox/failures-store.ts";
import { enterInbox, enterInboxAll, enterInboxHolding, leaveInbox } from "../../inbox/inbox-store.ts";
import type { Delivery } from "./delivery.ts";
import type { Judge } from "./judge.ts";
import type { Ready } from "./read-delivery.ts";
import { createReader } from "./read-delivery.ts";
import type { RunnerOptions } from "./run-handler.ts";
import { createRunner, noTransaction } from "./run-handler.ts";
import type { Verdict } from "./verdict.ts";
import { away, done, fenced, handedBack } from "./verdict.ts";

export interface HandlingOptions extends RunnerOptions {
  /** Without one, an effect may come twice. */
  readonly db: Database | undefined;
  readonly judge: Judge;
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

const neverEnded = "it was begun and never ended, each time: its handler may end the process";

const idOf = ({ delivery }: Ready): string => delivery.head.id;

class Fenced extends Error {}

export function createHandling(options: HandlingOptions): Handling {
  const { policy, subscription, db, judge, metrics, log, stopping, now } = options;
  const { service, name, attempts: mostAttempts } = policy;
  const full = `${service}.${name}`;
  const read = createReader(subscription.schemas, full);
  const run = createRunner(options);

  /** The effect together with the note that it was had. */
  const runOnce = async (ready: Ready, tx: Transaction, epoch: bigint | undefined): Promise<void> => {
    const { id } = ready.delivery.head;
    const { held, entered } =
      epoch === undefined
        ? { held: true, entered: await enterInbox(tx, name, id) }
        : await enterInboxHolding(tx, name, id, epoch);
    if (!held) throw new Fenced();
    if (entered) await run(ready, tx);
    else metrics.handled(name, "repeated", 0);
  };

  /** Nothing comes of it, so there is nothing to note. */
  const passes = ({ message }: Ready): boolean => {
    if (subscription.concerns(message)) return false;
    metrics.handled(name, "passed", 0);
    return true;
  };

  const attempt = async (ready: Ready, epoch: bigint | undefined): Promise<Verdict> => {
    const { delivery } = ready;
    const { id } = delivery.head;
    let counted: Failures | undefined;
    try {
      if (passes(ready)) return done;
      // What takes the process with it cannot be counted afterwards.
      if (delivery.isSuspect && db) counted = await noteFailure(db.sql, name, id, new Date(now()));
      if (counted && counted.attempts > mostAttempts) return judge.refuse(delivery, neverEnded, counted);
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
      if (delivery.only !== "" && delivery.only !== full) return done;
      const ready = read(delivery);
      return typeof ready === "string" ? judge.refuse(delivery, ready) : attempt(ready, epoch);
    });

  /** How many of these had their effect in one transaction; none when one of them failed. */
  const together = async (database: Database, deliveries: readonly Ready[]): Promise<number> => {
    try {
      const concerned = deliveries.filter(({ message }) => subscription.concerns(message));
      if (concerned.length === 0) return deliveries.filter(passes).length;
      return await database.transaction(async (tx) => {
        const beganMs = performance.now();
        const entered = await enterInboxAll(tx, name, concerned.map(idOf));
        let count = 0;
        for (const ready of deliveries) {
          if (count > 0 && performance.now() - beganMs > longMs) break;
          count++;
          if (passes(ready)) continue;
          // A stream may have the same one twice: it is new but once.
          if (entered.delete(idOf(ready))) await run(ready, tx);
          else metrics.handled(name, "repeated", 0);
        }
        const left = deliveries.slice(count).map(idOf);
        if (left.length > 0) {
          await leaveInbox(
            tx,
            name,
            left.filter((it) => entered.has(it)),
          );
        }
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
      if (delivery.deliveries > 1 || delivery.only !== "") break;
      const ready = read(delivery);
      if (typeof ready === "string") break;
      group.push(ready);
    }
    return group;
  }
}
