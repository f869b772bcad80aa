import type { ConsumerMessages, JsMsg } from "@nats-io/jetstream";
import { jetstream } from "@nats-io/jetstream";
import type { Logger, Nats } from "#mesh";
import { sqlState } from "#mesh";
import { deadId } from "#mesh/dead-letters/letter-id.ts";
import { isStoreAway } from "#mesh/errors.ts";
import { jobsStream } from "#mesh/jobs/stream.ts";
import { headOf } from "#mesh/messages/cloud-event.ts";
import { endInPeace } from "#mesh/nats/end-in-peace.ts";
import { pairsOf } from "#mesh/nats/headers.ts";
import { runSessions } from "#mesh/nats/run-sessions.ts";
import type { Bury } from "./bury.ts";
import { plainSubject } from "./bury.ts";
import type { Enqueue } from "./enqueue.ts";
import { intakeConsumer, openIntakeConsumer } from "./intake-consumer.ts";
import type { NewJob } from "./jobs-store.ts";
import { readRequest } from "./request.ts";

/** What one insert takes at most; also what is held in memory, half a megabyte each at worst. */
const batchSize = 250;
/** How long what could not be taken in now stays with the broker. */
const againMs = 1000;
const longestAgainMs = 5 * 60_000;

export interface IntakeOptions {
  nats: Nats;
  enqueue: Enqueue;
  bury: Bury;
  log: Logger;
  now: () => number;
  stopping: AbortSignal;
}

interface Arrival {
  readonly message: JsMsg;
  readonly job: NewJob;
}

/** Takes in what services have published, for as long as the service runs; resolves when the last is in. */
export function runIntake(options: IntakeOptions): Promise<void> {
  const { nats, log, stopping } = options;
  const sessions = runSessions({
    nats,
    log,
    what: "the intake of jobs",
    stopping,
    async run(ending) {
      await openIntakeConsumer(nats);
      const consumer = await jetstream(nats.connection).consumers.get(
        nats.nameOf(jobsStream),
        nats.nameOf(intakeConsumer),
      );
      // A broker that lost its memory has lost the consumer too: then all is made again.
      const messages = await consumer.consume({ max_messages: batchSize, abort_on_missing_resource: true });
      await takeIn(messages, ending, options);
    },
  });
  return sessions.ended;
}

/** Reads on while a batch is written, so that the next one has what came meanwhile. */
async function takeIn(
  messages: ConsumerMessages,
  ending: AbortSignal,
  options: IntakeOptions,
): Promise<void> {
  let waiting: JsMsg[] = [];
  let writing: Promise<void> | undefined;
  const end = () => void endInPeace(messages);
  ending.addEventListener("abort", end, { once: true });
  if (ending.aborted) end();

  const write = async () => {
    try {
      while (waiting.length > 0 && !ending.aborted) {
        const batch = waiting;
        waiting = [];
        await takeBatch(batch, options);
      }
    } catch (err) {
      // The broker is away: what was not acknowledged comes again.
      options.log.warn({ err }, "the broker could not be told what became of jobs");
    } finally {
      writing = undefined;
    }
  };
  try {
    for await (const message of messages) {
      waiting.push(message);
      if (ending.aborted) continue;
      writing ??= write();
      if (waiting.length >= batchSize) await writing;
    }
  } finally {
    ending.removeEventListener("abort", end);
    await writing;
    // Handed back, so that another replica need not wait until their time is over.
    for (const message of waiting) message.nak();
  }
}

async function takeBatch(messages: readonly JsMsg[], options: IntakeOptions): Promise<void> {
  const { enqueue, log, now } = options;
  const arrivals: Arrival[] = [];
  for (const message of messages) {
    try {
      arrivals.push({ message, job: readRequest(message.data, now()) });
    } catch (error) {
      await buryOne(message, error, options);
    }
  }
  if (arrivals.length === 0) return;
  try {
    await enqueue(arrivals.map(({ job }) => job));
    for (const { message } of arrivals) message.ack();
  } catch (error) {
    if (isOfData(error)) await takeEach(arrivals, options);
    else {
      log.warn({ err: error, jobs: arrivals.length }, "jobs could not be written; they come again");
      for (const { message } of arrivals) message.nak(againMs);
    }
  }
}

/** One that PostgreSQL refuses must not hold up those that came with it. */
async function takeEach(arrivals: readonly Arrival[], options: IntakeOptions): Promise<void> {
  for (const { message, job } of arrivals) {
    try {
      await options.enqueue([job]);
      message.ack();
    } catch (error) {
      if (isOfData(error)) await buryOne(message, error, options);
      else message.nak(againMs);
    }
  }
}

async function buryOne(message: JsMsg, error: unknown, { bury, log }: IntakeOptions): Promise<void> {
  const { data, headers, info } = message;
  const subject = plainSubject(message.subject);
  const id = deadId(
    headOf((name) => headers?.get(name) ?? ""),
    jobsStream,
    info.streamSequence,
  );
  try {
    await bury({ id, subject, headers: pairsOf(headers), error, attempts: info.deliveryCount, data });
    log.warn({ err: error, subject, letter: id }, "what came as a job is none; it is a dead letter");
    message.term("no job");
  } catch (err) {
    log.warn({ err, subject }, "a message that is no job could not be put aside; it comes again");
    message.nak(pauseOf(message));
  }
}

/**
 * Classes 22 and 23 of PostgreSQL are data exceptions and violated constraints,
 * which time does not mend; nor does it mend what is wrong before it comes there.
 */
const isOfData = (error: unknown): boolean => {
  const state = sqlState(error);
  return state === "" ? !isStoreAway(error) : /^2[23]/.test(state);
};

/** The longer, the more often it came: what nobody can put aside must not keep everybody busy. */
const pauseOf = ({ info }: JsMsg): number =>
  Math.min(longestAgainMs, againMs * 2 ** (info.deliveryCount - 1));
