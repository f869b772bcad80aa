/** What stands around an event on its way: CloudEvents 1.0, binary mode, as headers. */
export interface EventHead {
  readonly id: string;
  /** The service that published it. */
  readonly source: string;
  /** Full name of its message. */
  readonly type: string;
  /** The aggregate that it is about. */
  readonly key: string;
  readonly time: Date;
  readonly correlationId: string;
  readonly traceparent: string;
}

/** Names the one consumer that a message is for. */
export const forHeader = "weft-for";

export const contentType = "application/protobuf";

export interface NewHead {
  readonly id: string;
  readonly source: string;
  /** Full name of its message. */
  readonly type: string;
  readonly key: string;
  readonly nowMs: number;
  readonly correlationId: string;
  readonly traceparent: string;
}

/** Names and values by turns. */
export function cloudEventHeaders(head: NewHead): string[] {
  const { id, source, type, key, nowMs, correlationId, traceparent } = head;
  const headers = [
    "ce-specversion",
    "1.0",
    "ce-id",
    id,
    "ce-source",
    source,
    "ce-type",
    type,
    "ce-time",
    new Date(nowMs).toISOString(),
    "content-type",
    contentType,
  ];
  if (key !== "") headers.push("ce-subject", encode(key));
  if (correlationId !== "") headers.push("ce-correlationid", encode(correlationId));
  if (traceparent !== "") headers.push("ce-traceparent", traceparent);
  return headers;
}

/** Reads the headers of whoever published it; what is not there is empty. */
export function headOf(get: (name: string) => string): EventHead {
  return {
    // As PostgreSQL writes it: an id in capitals is the same one (RFC 9562 §4).
    id: get("ce-id").toLowerCase(),
    source: decode(get("ce-source")),
    type: get("ce-type"),
    key: decode(get("ce-subject")),
    time: new Date(get("ce-time")),
    correlationId: decode(get("ce-correlationid")),
    traceparent: get("ce-traceparent"),
  };
}

/** CloudEvents' HTTP binding §3.1.3.2, which that of NATS takes over: other than plain ASCII is percent-encoded. */
const plain = /^[!#$&-~]*$/;

const encode = (value: string): string =>
  plain.test(value) ? value : encodeURIComponent(value.toWellFormed());

function decode(value: string): string {
  if (!value.includes("%")) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    // Written by somebody who does not encode.
    return value;
  }
}
