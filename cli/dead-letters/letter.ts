import type { JsonObject } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { DeadLetter as QueueLetter } from "#gen/queue/v1/queue_pb.js";
import type { DeadLetter as EventLetter } from "#mesh/dead-letters/letter.ts";
import { contractSubject } from "#mesh/events/contract/subject.ts";
import { uuidForm } from "#mesh/id.ts";

/** What failed for good, of either kind. */
export interface Letter {
  readonly id: string;
  readonly kind: "event" | "job";
  /** The service that could not handle it. */
  readonly service: string;
  /** Its consumer, or the job's queue. */
  readonly consumer: string;
  /** Empty for a job. */
  readonly subject: string;
  readonly type: string;
  readonly messageId: string;
  readonly key: string;
  readonly error: string;
  readonly stack: string;
  readonly attempts: number;
  readonly firstFailedAt: Date | undefined;
  readonly lastFailedAt: Date | undefined;
  readonly correlationId: string;
  readonly traceparent: string;
  /** The message, when one letter is shown and its type is known. */
  readonly payload?: JsonObject;
  /** Why there is none. */
  readonly problem?: string;
}

/** The id of a dead letter; that of a job alone is that of its letter. */
export const letterIdOf = (word: string): string => (uuidForm.test(word) ? `job.${word}` : word);

/** Ids of events have a dot more. */
export const isJobLetter = (id: string): boolean => /^job\.[^.]*$/.test(id);

export function fromEvent(stored: EventLetter): Letter {
  const { data: _data, stream: _stream, eventId, subject, ...letter } = stored;
  return { kind: "event", messageId: eventId, subject: contractSubject(subject), ...letter };
}

export function fromQueue(letter: QueueLetter): Letter {
  const { $typeName: _, $unknown: _u, data: _data, kind, payload, ...rest } = letter;
  const { firstFailedAt: first, lastFailedAt: last } = rest;
  return {
    ...rest,
    kind: kind === "job" ? "job" : "event",
    firstFailedAt: first && timestampDate(first),
    lastFailedAt: last && timestampDate(last),
    ...(payload && { payload }),
  };
}
