import { setTimeout as sleep } from "node:timers/promises";
import type { JetStreamManager } from "@nats-io/jetstream";
import type { Database, Query } from "../db/database.ts";
import { afterCommit } from "../db/database.ts";
import { holdLease } from "../db/lease.ts";
import type { Logger } from "../log/logger.ts";
import { startLoop } from "../loop.ts";
import type { AckedPublisher } from "../nats/acked-publisher.ts";
import type { Nats } from "../nats/nats.ts";
import { onConnection } from "../nats/on-connection.ts";
import type { StreamPlan, StreamSettings } from "../nats/streams.ts";
import { dropPublished, markPublished, outboxState, pendingRows, relayLease } from "./outbox-store.ts";
import { createOutlets } from "./outlets.ts";
import type { RelayMetrics } from "./relay-metrics.ts";
import type { RelayPolicy } from "./relay-policy.ts";

export interface RelayOptions {
  readonly db: Database;
  readonly nats: Nats;
  readonly jsm: Promise<JetStreamManager>;
  readonly publisher: AckedPublisher;
  readonly log: Logger;
  readonly metrics: RelayMetrics;
  readonly service: string;
  /** This instance, among those of its service. */
  readonly holder: string;
  readonly plans: readonly StreamPlan[];
  readonly settings: StreamSettings;
  readonly policy: RelayPolicy;
}

/** Brings what stands in the outbox to the broker. */
export interface Relay {
  /** There is something new, once this transaction is committed. */
  wakeAfter(tx: Query): void;
  wake(): void;
  /** Ends after the batch that is under way. */
  stop(): Promise<void>;
}

/**
 * One instance of a service does this at a time, so that events keep their
 * order; the others wait for its lease. Rows are marked only when the broker has
 * acknowledged them: what is published twice is told apart by its id.
 */
export function createRelay(options: RelayOptions): Relay {
  const { db, nats, log, metrics, service, holder, policy } = options;
  const nudge = nats.subject(`weft.outbox.${service}`);
  const stopping = new AbortController();
  /** While this instance is the one that publishes. */
  let epoch: bigint | undefined;
  let troubled = false;
  let purgedMs = Number.NEGATIVE_INFINITY;
  let looked = Number.NEGATIVE_INFINITY;

  const outlets = createOutlets({ ...options, again: () => loop.wake() });

  const publishAll = async () => {
    let rivalled = 0;
    await outlets.verify();
    while (epoch !== undefined && nats.connected() && !stopping.signal.aborted) {
      const of = epoch;
      const rows = await pendingRows(db.sql, policy.batch, outlets.blocked());
      if (rows.length === 0) break;
      const { stored, marks, error } = await outlets.publish(rows);
      if (stored.length > 0) await markPublished(db.sql, stored, marks, of);
      metrics.published(stored.length);
      if (error !== undefined) throw error;
      rivalled = stored.length > 0 ? 0 : rivalled + 1;
      // Two who always come back at once would always find that the other was there.
      if (rivalled > 1) await sleep(Math.random() * policy.rivalMs);
      if (rivalled === policy.mostRivalled) {
        log.warn(
          "somebody else writes to this service's streams; platforms that share a broker need a WEFT_NAMESPACE each",
        );
      }
      if (troubled) log.info("events are published again");
      troubled = false;
      // Whoever has written more has woken us.
      if (stored.length === rows.length && rows.length < policy.batch) break;
    }
  };

  const keepHouse = async () => {
    const nowMs = performance.now();
    if (nowMs - looked > policy.lookMs) {
      looked = nowMs;
      metrics.show(await outboxState(db.sql));
    }
    if (nowMs - purgedMs < policy.purgeMs) return;
    const before = new Date(Date.now() - policy.keepMs);
    while ((await dropPublished(db.sql, before, policy.purgeBatch)) === policy.purgeBatch) {
      if (stopping.signal.aborted) return;
    }
    purgedMs = nowMs;
  };

  const loop = startLoop({
    everyMs: policy.pollMs,
    stopping: stopping.signal,
    work: async () => {
      if (epoch === undefined) return;
      await publishAll();
      await keepHouse();
    },
    failed: (err) => {
      if (!troubled) log.warn({ err }, "events cannot be published now; they wait in the outbox");
      troubled = true;
    },
  });

  const lease = holdLease({
    db,
    name: relayLease,
    holder,
    log,
    won: (of) => {
      epoch = of;
      outlets.forget();
      loop.wake();
    },
    lost: () => {
      epoch = undefined;
      metrics.show({ pending: 0, oldestMs: 0 });
    },
  });
  const forgetConnection = onConnection(nats, {
    back: () => {
      outlets.forget();
      loop.wake();
    },
  });
  const nudges = nats.connection.subscribe(nudge, { callback: () => loop.wake() });

  const wake = () => {
    if (epoch !== undefined) loop.wake();
    else if (nats.connected()) nats.connection.publish(nudge);
  };
  return {
    wake,
    wakeAfter(tx) {
      // Where nobody can tell of the commit, the next look finds it.
      afterCommit(tx, wake);
    },
    async stop() {
      stopping.abort();
      loop.wake();
      await loop.ended;
      await lease.release();
      forgetConnection();
      if (!nats.connection.isClosed()) nudges.unsubscribe();
    },
  };
}
