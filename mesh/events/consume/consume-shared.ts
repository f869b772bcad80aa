import type { ConsumerConfig, JetStreamManager, JsMsg } from "@nats-io/jetstream";
import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import { aborted } from "../../aborted.ts";
import { endInPeace } from "../../nats/end-in-peace.ts";
import { onConnection } from "../../nats/on-connection.ts";
import { runSessions } from "../../nats/run-sessions.ts";
import { consumerNotFound, errorCode } from "../../nats/streams.ts";
import { untilLate } from "../../nats/until-late.ts";
import { eventSubject } from "../contract/subject.ts";
import type { ConsumerPolicy } from "./compile-consumers.ts";
import type { ConsumerOptions, RunningConsumer } from "./consumer.ts";
import { deliveryOf } from "./delivery.ts";
import { createGathering } from "./gathering.ts";

/** How long the broker waits for a word before it gives an event to somebody else. */
const ackWaitMs = 30_000;
const nanos = 1_000_000;
/** Longer than any stream keeps events: whoever is away for that long has lost its place anyway. */
const forgottenMs = 30 * 24 * 60 * 60_000;
/** Handlers with a longer time get nothing in advance: it would wait here, and others are idle. */
const longMs = 30_000;
/** How long the end of a session waits for what is to be handed back. */
const handBackMs = 1500;

/**
 * Shares the events with the other instances of the service: each goes to one of
 * them. The broker keeps what is under way and gives it to another when the one
 * that had it dies.
 */
export function consumeShared(options: ConsumerOptions): RunningConsumer {
  const { policy, handling, nats, js, jsm, ensureStreams, metrics, log } = options;
  const { name, concurrency, together, gatherMs } = policy;
  const stream = nats.nameOf(policy.stream);
  const durable = nats.nameOf(`${policy.service}-${name}`);
  const ahead = policy.timeoutMs > longMs ? concurrency : concurrency * Math.max(4, together);
  const stopping = new AbortController();
  // With how often the connection was lost before they came.
  const held = new Map<JsMsg, number>();
  const queue: JsMsg[] = [];
  let running = 0;
  let losses = 0;
  let room = Promise.withResolvers<void>();
  const gathering = createGathering({ gatherMs, enough: together, over: () => next() });

  const heartbeat = setInterval(() => {
    for (const [message, before] of held) if (before === losses) message.working();
  }, ackWaitMs / 3).unref();

  const received = (message: JsMsg) => {
    const { deliveryCount: deliveries } = message.info;
    if (deliveries > 1) metrics.redelivered(name);
    return deliveryOf(message, nats, { deliveries, isSuspect: deliveries > 2 });
  };

  /**
   * A broker that lost its end gives the same sequence to another event: a word
   * about what came before would be taken for one about that. It comes again.
   */
  const isStillOurs = (message: JsMsg): boolean => {
    const before = held.get(message);
    held.delete(message);
    return before === losses;
  };

  const work = async (messages: readonly JsMsg[]) => {
    const verdicts = await handling.handleAll(messages.map(received));
    for (const [at, message] of messages.entries()) {
      const verdict = verdicts[at];
      if (!isStillOurs(message)) continue;
      if (verdict?.kind === "done") message.ack();
      else message.nak(verdict?.kind === "again" ? verdict.afterMs : undefined);
    }
  };

  const next = () => {
    while (running < concurrency && !gathering.holds(queue.length)) {
      // When much waits, each takes its share of it at once; what has waited for others goes with them.
      const share = gatherMs > 0 ? queue.length : Math.ceil(queue.length / (concurrency - running));
      const messages = queue.splice(0, Math.min(share, together));
      if (messages.length === 0) break;
      running++;
      work(messages)
        .catch((err: unknown) => {
          log.error({ err, consumer: name }, "what became of events could not be told; they come again");
          for (const message of messages) held.delete(message);
        })
        .finally(() => {
          running--;
          next();
        });
    }
    room.resolve();
  };

  const giveBack = (messages: readonly JsMsg[]) => {
    for (const message of messages) if (isStillOurs(message)) message.nak();
  };

  const forgetConnection = onConnection(nats, {
    lost() {
      losses++;
      // They come again, and not only to us.
      for (const message of queue.splice(0)) held.delete(message);
      room.resolve();
    },
  });
  const sessions = runSessions({
    nats,
    log,
    what: `consumer ${policy.service}.${name}`,
    stopping: stopping.signal,
    async run(ending) {
      const before = losses;
      await ensureStreams();
      await ensureConsumer(await jsm, stream, configOf(policy, durable, nats));
      const consumer = await js.consumers.get(stream, durable);
      const messages = await consumer.consume({ max_messages: ahead, abort_on_missing_resource: true });
      const end = () => void endInPeace(messages);
      ending.addEventListener("abort", end);
      if (ending.aborted) end();
      try {
        for await (const message of untilLate(messages, ending, handBackMs)) {
          held.set(message, before);
          if (ending.aborted) {
            giveBack([message]);
            continue;
          }
          queue.push(message);
          room = Promise.withResolvers();
          next();
          if (queue.length >= ahead) await Promise.race([room.promise, aborted(ending)]);
        }
      } finally {
        ending.removeEventListener("abort", end);
        end();
      }
    },
  });

  return {
    name,
    async lag() {
      const { num_pending: pending, num_ack_pending: inHand } = await (await jsm).consumers.info(
        stream,
        durable,
      );
      return { pending, inHand };
    },
    async stop() {
      stopping.abort();
      gathering.stop();
      giveBack(queue.splice(0));
      room.resolve();
      await sessions.ended;
      while (running > 0) {
        room = Promise.withResolvers();
        await room.promise;
      }
      clearInterval(heartbeat);
      forgetConnection();
    },
  };
}

function configOf(
  { types, from }: ConsumerPolicy,
  durable: string,
  nats: ConsumerOptions["nats"],
): Partial<ConsumerConfig> & { durable_name: string } {
  return {
    durable_name: durable,
    filter_subjects: types.map(({ subject }) => nats.subject(eventSubject(subject))),
    ack_policy: AckPolicy.Explicit,
    ack_wait: ackWaitMs * nanos,
    // How often it is tried is ours to decide: the broker would just stop to deliver.
    max_deliver: -1,
    max_ack_pending: 1000,
    inactive_threshold: forgottenMs * nanos,
    deliver_policy: from === "now" ? DeliverPolicy.New : DeliverPolicy.All,
  };
}

async function ensureConsumer(
  jsm: JetStreamManager,
  stream: string,
  config: Partial<ConsumerConfig> & { durable_name: string },
): Promise<void> {
  try {
    const { config: current } = await jsm.consumers.info(stream, config.durable_name);
    const subjects = current.filter_subjects ?? [current.filter_subject ?? ""];
    const wanted = config.filter_subjects ?? [];
    if (subjects.length === wanted.length && wanted.every((it) => subjects.includes(it))) return;
    await jsm.consumers.update(stream, config.durable_name, { filter_subjects: wanted });
  } catch (error) {
    if (errorCode(error) !== consumerNotFound) throw error;
    await jsm.consumers.add(stream, config);
  }
}
