import { createHash } from "node:crypto";
import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { newId, uuidForm } from "../id.ts";
import { headersOf, pairsOf } from "../nats/headers.ts";
import type { Nats } from "../nats/nats.ts";
import type { EventHead } from "./cloud-event.ts";
import { headOf } from "./cloud-event.ts";
import type { StreamPlan, StreamSettings } from "./streams.ts";
import { ensureStream, errorCode, streamNotFound } from "./streams.ts";

/** Why something could not be handled. */
export interface Failure {
  readonly error: string;
  readonly stack: string;
  readonly attempts: number;
  readonly firstFailedAt: Date;
  readonly lastFailedAt: Date;
}

/** A message that a consumer could not handle, as it came. */
export interface Undelivered {
  readonly id: string;
  /** Of the service that could not handle it. */
  readonly service: string;
  readonly consumer: string;
  /** Without a namespace. */
  readonly stream: string;
  readonly subject: string;
  /** Names and values by turns. */
  readonly headers: readonly string[];
  readonly data: Uint8Array;
}

export interface DeadLetter extends Failure {
  /** `<service>.<consumer>.<id of the event>`. */
  readonly id: string;
  readonly service: string;
  readonly consumer: string;
  readonly stream: string;
  readonly subject: string;
  /** Full name of its message; empty when it had none. */
  readonly type: string;
  readonly eventId: string;
  readonly key: string;
  readonly correlationId: string;
  readonly traceparent: string;
  readonly data: Uint8Array;
}

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

/** Names the one consumer that a message is for. */
export const forHeader = "weft-for";
const failureHeader = "weft-failure";
const longestText = 4000;
const longestStack = 8000;

const plan: StreamPlan = {
  name: "dead",
  subjects: ["dead.>"],
  // Kept until somebody deals with it, and each but once.
  settings: { max_msgs_per_subject: 1, max_age: 0 },
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
      const told = { ...failureOf(failure), stream: message.stream, subject: message.subject };
      const text = Buffer.from(JSON.stringify(told)).toString("base64url");
      await ensure();
      try {
        await js.publish(subjectOf(`${service}.${consumer}.${id}`), data, {
          headers: headersOf([...headers.filter(isOwn), failureHeader, text]),
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
      const headers = pairsOf(message.header).filter(isOwn);
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

/** An id for what came without one that can be used: the same for the same message. */
export function deadId(head: EventHead, stream: string, sequence: number): string {
  if (uuidForm.test(head.id)) return head.id;
  const hash = createHash("sha256").update(`${stream} ${sequence}`).digest("hex");
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

const isToken = /^(?:[\w-]+|\*)$/;
const letterId = /^[\w-]+\.[\w-]+\.[0-9a-f-]{36}$/i;
const isLetterId = (id: string) => letterId.test(id);

/** Headers that the mesh or the broker puts on for one journey are not for the next. */
const isOwn = (_: string, at: number, pairs: readonly string[]): boolean =>
  !/^(?:nats-|weft-)/i.test(pairs[at - (at % 2)] ?? "");

interface Told {
  readonly error: string;
  readonly stack: string;
  readonly attempts: number;
  readonly firstFailedAt: string;
  readonly lastFailedAt: string;
}

const failureOf = ({ error, stack, attempts, firstFailedAt, lastFailedAt }: Failure): Told => ({
  error: error.slice(0, longestText),
  stack: stack.slice(0, longestStack),
  attempts,
  firstFailedAt: firstFailedAt.toISOString(),
  lastFailedAt: lastFailedAt.toISOString(),
});

function letterOf(message: StoredMsg, nats: Nats): DeadLetter {
  const prefix = nats.subject("dead.");
  const id = message.subject.slice(prefix.length);
  const [service = "", consumer = "", eventId = ""] = id.split(".");
  const { key, type, correlationId, traceparent } = headOf((name) => message.header.get(name));
  const told = JSON.parse(
    Buffer.from(message.header.get(failureHeader), "base64url").toString() || "{}",
  ) as Partial<Told & { stream: string; subject: string }>;
  return {
    id,
    service,
    consumer,
    eventId,
    stream: told.stream ?? "",
    subject: told.subject ?? "",
    type,
    key,
    correlationId,
    traceparent,
    error: told.error ?? "",
    stack: told.stack ?? "",
    attempts: told.attempts ?? 0,
    firstFailedAt: new Date(told.firstFailedAt ?? message.time),
    lastFailedAt: new Date(told.lastFailedAt ?? message.time),
    data: message.data,
  };
}

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
