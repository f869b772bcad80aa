import type { JsMsg } from "@nats-io/jetstream";
import { aborted } from "../../aborted.ts";
import { holdLease } from "../../db/lease.ts";
import { fail } from "../../errors.ts";
import { runSessions } from "../../nats/run-sessions.ts";
import { consumerNotFound, errorCode } from "../../nats/streams.ts";
import { untilLate } from "../../nats/until-late.ts";
import { eventSubject } from "../contract/subject.ts";
import type { ConsumerOptions, RunningConsumer } from "./consumer.ts";
import { deliveryOf } from "./delivery.ts";
import type { Place } from "./low-water.ts";
import { createLowWater } from "./low-water.ts";
import { positionOf, savePosition, saveReach } from "./positions-store.ts";
import type { Resumption } from "./resume-at.ts";
import { resumeAt } from "./resume-at.ts";
import { createKeyedRunner } from "./run-by-key.ts";

/** Events in hand at once. */
const mostUnfinished = 1000;
/** One that fails lets so many others pass; then they wait for it, since all of them may come again. */
const mostHeld = 20_000;
const saveMs = 1000;
const watchMs = 2000;
/** So often in a row the broker may not answer for a consumer before it is taken for gone. */
const mostSilent = 2;
/** For so many events at once it is said that they may be begun. */
const reachAhead = 1000;

/**
 * Takes the events of each aggregate one after the other. One instance reads at
 * a time, from a place that it keeps in the database: the broker's own way of
 * giving to another what one left undone would not keep the order.
 */
export function consumeInOrder(options: ConsumerOptions): RunningConsumer {
  const { policy, handling, nats, js, jsm, ensureStreams, metrics, log, holder } = options;
  const { name, types } = policy;
  const { db } = options;
  if (!db) throw fail.internal("no_database", `${name} keeps the order and has no database`);
  const stream = nats.nameOf(policy.stream);
  const stopping = new AbortController();
  let epoch: bigint | undefined;
  let wonIt = Promise.withResolvers<void>();
  let behind: number | undefined;
  let water = createLowWater();

  const resume = async (of: bigint): Promise<Resumption> => {
    const manager = await jsm;
    const { state } = await manager.streams.info(stream);
    const place = await positionOf(db.sql, name, policy.stream);
    const stored =
      place && place.sequence > 0
        ? await manager.direct.getMessage(stream, { seq: place.sequence }).catch(() => null)
        : null;
    const idAtPlace = stored?.header.get("ce-id").toLowerCase();
    const found = resumeAt({ place, last: state.last_seq, idAtPlace, from: policy.from });
    if (found.isRewound) {
      log.warn(
        { consumer: name, ...place, last: state.last_seq },
        "the stream has lost its end; it is read again from before",
      );
    }
    if (!place && policy.from === "now") {
      await savePosition(db.sql, name, policy.stream, { sequence: state.last_seq, id: "" }, of);
    }
    return found;
  };

  const read = async (of: bigint, ending: AbortSignal, fence: () => void) => {
    water = createLowWater();
    const { config, suspectUntil } = await resume(of);
    let saved: Place | undefined;
    let reach = 0;
    let room = Promise.withResolvers<void>();

    const runner = createKeyedRunner<JsMsg>(policy.concurrency, async (message, tries) => {
      if (tries > 1) metrics.redelivered(name);
      const isSuspect = tries > 1 || message.seq <= suspectUntil;
      const verdict = await handling.handle(deliveryOf(message, nats, { deliveries: tries, isSuspect }), of);
      if (verdict.kind === "fenced") fence();
      if (verdict.kind !== "done")
        return verdict.kind === "again" ? verdict.afterMs : Number.POSITIVE_INFINITY;
      water.done(message.seq);
      room.resolve();
      return undefined;
    });
    const save = async () => {
      const { place } = water;
      if (!place || place === saved) return;
      await savePosition(db.sql, name, policy.stream, place, of);
      saved = place;
    };
    const rest = async () => {
      await save();
      // Nothing is begun and not ended.
      if (water.place) await saveReach(db.sql, name, policy.stream, water.place.sequence, of);
    };
    const saving = setInterval(() => {
      save().catch((err: unknown) => log.debug({ err, consumer: name }, "cannot save the position now"));
    }, saveMs).unref();

    const consumer = await js.consumers.get(stream, {
      filter_subjects: types.map(({ subject }) => nats.subject(eventSubject(subject))),
      ...config,
    });
    // Such a consumer dies with the server that has it, which the client does not always notice.
    let silent = 0;
    const watching = setInterval(() => {
      consumer.info().then(
        ({ num_pending }) => {
          behind = num_pending;
          silent = 0;
        },
        (error: unknown) => {
          silent++;
          const isGone = errorCode(error) === consumerNotFound || silent >= mostSilent;
          if (isGone && nats.connected() && !ending.aborted) sessions.again();
        },
      );
    }, watchMs).unref();
    const messages = await consumer.consume({ max_messages: Math.max(100, policy.concurrency * 4) });
    const end = () => {
      runner.close();
      room.resolve();
      void messages.close();
    };
    ending.addEventListener("abort", end);
    if (ending.aborted) end();
    try {
      for await (const message of untilLate(messages, ending, 0)) {
        if (ending.aborted) continue;
        if (message.seq > reach) {
          // What ends the process while it is handled is known by this afterwards.
          reach = message.seq + reachAhead;
          await saveReach(db.sql, name, policy.stream, reach, of);
        }
        const id = message.headers?.get("ce-id").toLowerCase() ?? "";
        water.begin({ sequence: message.seq, id });
        runner.add(message.headers?.get("ce-subject") || id, message);
        const isFull = () => water.unfinished >= mostUnfinished || water.held >= mostHeld;
        while (isFull() && !ending.aborted) {
          room = Promise.withResolvers();
          await room.promise;
        }
      }
    } finally {
      ending.removeEventListener("abort", end);
      end();
      await runner.idle();
      clearInterval(saving);
      clearInterval(watching);
      behind = undefined;
      await rest().catch((err: unknown) => {
        log.debug(
          { err, consumer: name },
          "cannot save the position; what is behind the last one is seen twice",
        );
      });
    }
  };

  const sessions = runSessions({
    nats,
    log,
    what: `consumer ${policy.service}.${name}`,
    stopping: stopping.signal,
    async run(ending) {
      await Promise.race([wonIt.promise, aborted(ending)]);
      if (epoch === undefined || ending.aborted) return;
      await ensureStreams();
      const fenced = new AbortController();
      const of = epoch;
      await read(of, AbortSignal.any([ending, fenced.signal]), () => {
        // What was under way may hear of it when the lease is ours again, with another number.
        if (epoch === of) {
          epoch = undefined;
          wonIt = Promise.withResolvers();
        }
        fenced.abort();
      });
    },
  });

  const lease = holdLease({
    db,
    name,
    holder,
    log,
    won: (it) => {
      epoch = it;
      wonIt.resolve();
    },
    lost: () => {
      epoch = undefined;
      wonIt = Promise.withResolvers();
      sessions.again();
    },
  });

  return {
    name,
    async lag() {
      return behind === undefined ? undefined : { pending: behind, inHand: water.unfinished };
    },
    async stop() {
      stopping.abort();
      wonIt.resolve();
      await sessions.ended;
      await lease.release();
    },
  };
}
