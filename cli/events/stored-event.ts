import type { JsMsg } from "@nats-io/jetstream";
import { eventSubject } from "#mesh/events/contract/subject.ts";
import { forHeader, headOf } from "#mesh/messages/cloud-event.ts";
import type { Nats } from "#mesh/nats/nats.ts";

/** An event as its stream has it. */
export interface StoredEvent {
  readonly stream: string;
  readonly sequence: number;
  readonly subject: string;
  /** When it was published; when it was stored where it does not say. */
  readonly time: Date;
  readonly id: string;
  readonly key: string;
  readonly source: string;
  readonly type: string;
  readonly correlationId: string;
  readonly traceparent: string;
  /** The only consumer that it is for, when it is a dead letter that came back. */
  readonly only: string;
  readonly data: Uint8Array;
}

export function storedEventOf(message: JsMsg, stream: string, nats: Nats): StoredEvent {
  const { headers, data, seq: sequence } = message;
  const { id, key, source, type, time, correlationId, traceparent } = headOf(
    (name) => headers?.get(name) ?? "",
  );
  return {
    stream: stream.slice(nats.nameOf("").length),
    sequence,
    subject: message.subject.slice(nats.subject(eventSubject("")).length),
    time: Number.isNaN(time.getTime()) ? message.time : time,
    id,
    key,
    source,
    type,
    correlationId,
    traceparent,
    only: headers?.get(forHeader) ?? "",
    data,
  };
}
