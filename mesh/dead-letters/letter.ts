import type { StoredMsg } from "@nats-io/jetstream";
import { headOf } from "../messages/cloud-event.ts";
import type { Nats } from "../nats/nats.ts";

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

const failureHeader = "weft-failure";
const longestText = 4000;
const longestStack = 8000;

/** What tells of the failure: names and values by turns. */
export function failureHeaders({ stream, subject }: Undelivered, failure: Failure): string[] {
  const { error, stack, attempts, firstFailedAt, lastFailedAt } = failure;
  const told: StoredFailure = {
    stream,
    subject,
    error: error.slice(0, longestText),
    stack: stack.slice(0, longestStack),
    attempts,
    firstFailedAt: firstFailedAt.toISOString(),
    lastFailedAt: lastFailedAt.toISOString(),
  };
  return [failureHeader, Buffer.from(JSON.stringify(told)).toString("base64url")];
}

/** The broker takes 64 KiB of them, and those of the failure need room too. */
const mostHeaderChars = 24 * 1024;

/**
 * Names and values by turns, without what the mesh or the broker puts on for one
 * journey, and without the end of what nobody could send again.
 */
export function ownHeaders(pairs: readonly string[]): string[] {
  const own: string[] = [];
  let left = mostHeaderChars;
  for (let at = 0; at + 1 < pairs.length; at += 2) {
    const [name = "", value = ""] = pairs.slice(at, at + 2);
    if (/^(?:nats-|weft-)/i.test(name)) continue;
    left -= name.length + value.length;
    if (left < 0) break;
    own.push(name, value);
  }
  return own;
}

export function letterOf(message: StoredMsg, nats: Nats): DeadLetter {
  const prefix = nats.subject("dead.");
  const id = message.subject.slice(prefix.length);
  const [service = "", consumer = "", eventId = ""] = id.split(".");
  const { key, type, correlationId, traceparent } = headOf((name) => message.header.get(name));
  const told = toldIn(message.header.get(failureHeader));
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
    firstFailedAt: dateOf(told.firstFailedAt, message.time),
    lastFailedAt: dateOf(told.lastFailedAt, message.time),
    data: message.data,
  };
}

/** The failure as it travels. */
interface StoredFailure {
  readonly stream: string;
  readonly subject: string;
  readonly error: string;
  readonly stack: string;
  readonly attempts: number;
  readonly firstFailedAt: string;
  readonly lastFailedAt: string;
}

/** What the header tells, as far as it is what we write: one that is not must not hide all other letters. */
function toldIn(header: string): Partial<StoredFailure> {
  try {
    const told: unknown = JSON.parse(Buffer.from(header, "base64url").toString());
    if (typeof told !== "object" || told === null) return {};
    const isRight = ([name, value]: [string, unknown]) =>
      typeof value === (name === "attempts" ? "number" : "string");
    return Object.fromEntries(Object.entries(told).filter(isRight));
  } catch {
    return {};
  }
}

function dateOf(text: string | undefined, otherwise: Date): Date {
  const date = new Date(text ?? otherwise);
  // Later ones cannot be shown (RFC 3339).
  return date.getTime() >= 0 && date.getUTCFullYear() <= 9999 ? date : otherwise;
}
