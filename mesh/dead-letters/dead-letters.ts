import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { newId } from "../id.ts";
import { forHeader } from "../messages/cloud-event.ts";
import { headersOf, pairsOf } from "../nats/headers.ts";
import type { Nats } from "../nats/nats.ts";
import type { StreamPlan, StreamSettings } from "../nats/streams.ts";
import { ensureStream, errorCode, streamNotFound } from "../nats/streams.ts";
import type { DeadLetter, Failure, Undelivered } from "./letter.ts";
import { failureHeaders, letterOf, ownHeaders } from "./letter.ts";
import { isLetterId } from "./letter-id.ts";

export interface DeadLetterFilter {
  readonly service?: string;
  readonly consumer?: string;
  /** Goes on behind this page. */
  readonly after?: string;
  readonly limit: number;
}

/** What failed for good, kept by the broker until somebody deals with it. */
export interface DeadLetters {
  /** Keeps it; the same one again takes its own place. */
  bury(message: Undelivered, failure: Failure): Promise<void>;
  /** Oldest first. */
  list(filter: DeadLetterFilter): Promise<{ letters: DeadLetter[]; next: string | undefined }>;
  get(id: string): Promise<DeadLetter | undefined>;
  /** Gives it to its consumer again, and to no other, as it was or with other data. False when there is none. */
  replay(id: string, data?: Uint8Array): Promise<boolean>;
  drop(id: string): Promise<boolean>;
  /** How many there are of one service. */
  count(service: string): Promise<number>;
}

const plan: StreamPlan = {
  name: "dead",
  subjects: ["dead.>"],
  // Kept until somebody deals with it, and each but once.
  settings: { max_msgs_per_subject: 1, max_age: 0, max_msg_size: 1024 * 1024 },
};

const usualSettings: StreamSettings = { replicas: 1, maxAgeMs: 0, maxBytes: 256 * 1024 * 1024 };

export function openDeadLetters(nats: Nats, replicas = usualSettings.replicas): DeadLetters {
  const js = jetstream(nats.connection);
  const managing = jetstreamManager(nats.connection, { checkAPI: false });
  const stream = nats.nameOf(plan.name);
  const settings = { ...usualSettings, replicas };
  let ensured: Promise<unknown> | undefined;

  const ensure = async (): Promise<JetStreamManager> => {
    const jsm = await managing;
    ensured ??= ensureStream(nats, jsm, plan, settings).catch((error: unknown) => {
      ensured = undefined;
      throw error;
    });
    await ensured;
    return jsm;
  };
  const subjectOf = (id: string) => nats.subject(`dead.${id}`);

  const find = async (id: string): Promise<StoredMsg | undefined> => {
    if (!isLetterId(id)) return undefined;
    const jsm = await ensure();
    return found(jsm.streams.getMessage(stream, { last_by_subj: subjectOf(id) }));
  };

  return {
    async bury(message, failure) {
      const { id, service, consumer, headers, data } = message;
      await ensure();
      try {
        await js.publish(subjectOf(`${service}.${consumer}.${id}`), data, {
          headers: headersOf([...ownHeaders(headers), ...failureHeaders(message, failure)]),
        });
      } catch (error) {
        // The broker may be another one by now.
        ensured = undefined;
        throw error;
      }
    },
    async list({ service = "*", consumer = "*", after, limit }) {
      const letters: DeadLetter[] = [];
      if (![service, consumer].every((it) => isToken.test(it))) return { letters, next: undefined };
      const jsm = await ensure();
      const filter = subjectOf(`${service}.${consumer}.*`);
      let seq = after === undefined ? 1 : Number(after) + 1;
      let last = 0;
      while (Number.isSafeInteger(seq)) {
        const message = await found(jsm.direct.getMessage(stream, { seq, next_by_subj: filter }));
        if (!message) break;
        if (letters.length === limit) return { letters, next: String(last) };
        letters.push(letterOf(message, nats));
        last = message.seq;
        seq = last + 1;
      }
      return { letters, next: undefined };
    },
    async get(id) {
      const message = await find(id);
      return message && letterOf(message, nats);
    },
    async replay(id, data) {
      const message = await find(id);
      if (!message) return false;
      const letter = letterOf(message, nats);
      const headers = ownHeaders(pairsOf(message.header));
      await js.publish(nats.subject(letter.subject), data ?? message.data, {
        // The stream has dropped the first one as a duplicate's measure, and must not drop this.
        msgID: `${letter.eventId}:${newId()}`,
        headers: headersOf([...headers, forHeader, `${letter.service}.${letter.consumer}`]),
      });
      await (await ensure()).streams.deleteMessage(stream, message.seq, false);
      return true;
    },
    async drop(id) {
      const message = await find(id);
      if (!message) return false;
      return (await ensure()).streams.deleteMessage(stream, message.seq, false);
    },
    async count(service) {
      const jsm = await ensure();
      const { state } = await jsm.streams.info(stream, { subjects_filter: subjectOf(`${service}.>`) });
      return Object.values(state.subjects ?? {}).reduce((sum, each) => sum + each, 0);
    },
  };
}

const isToken = /^(?:[\w-]+|\*)$/;
/** JetStream's own code: there is no such message. */
const noMessage = 10037;

async function found(asked: Promise<StoredMsg | null>): Promise<StoredMsg | undefined> {
  try {
    return (await asked) ?? undefined;
  } catch (error) {
    const code = errorCode(error);
    if (code === noMessage || code === streamNotFound) return undefined;
    throw error;
  }
}
