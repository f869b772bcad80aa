import type { HrTime } from "@opentelemetry/api";
import { SpanKind as OtelKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { isFault } from "./sampler.ts";
import type { FinishedSpan, SpanKind } from "./span.ts";

const kinds: Readonly<Record<SpanKind, OtelKind>> = {
  internal: OtelKind.INTERNAL,
  server: OtelKind.SERVER,
  client: OtelKind.CLIENT,
  producer: OtelKind.PRODUCER,
  consumer: OtelKind.CONSUMER,
};

export interface SpanOrigin {
  readonly resource: Resource;
  readonly instrumentationScope: { name: string; version: string };
}

/** A recorded span in the shape that the OpenTelemetry SDK exports. */
export function readableSpan(
  finished: FinishedSpan,
  { resource, instrumentationScope }: SpanOrigin,
): ReadableSpan {
  const { span, endMs, code, error, attributes } = finished;
  const { traceId, spanId, parentId, kind, name, startMs } = span;
  // Marked sampled although a failed one may not have been: the SDK passes on no others.
  const context = { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
  const parentSpanContext = parentId && {
    traceId,
    spanId: parentId,
    traceFlags: TraceFlags.SAMPLED,
    isRemote: kind === "server" || kind === "consumer",
  };
  const event = error && {
    name: "exception",
    time: hrTime(endMs),
    attributes: {
      "exception.type": error.type,
      "exception.message": error.message,
      ...(error.stack === undefined ? {} : { "exception.stacktrace": error.stack }),
    },
  };
  return {
    name,
    kind: kinds[kind],
    spanContext: () => context,
    ...(parentSpanContext && { parentSpanContext }),
    startTime: hrTime(startMs),
    endTime: hrTime(endMs),
    duration: hrTime(endMs - startMs),
    status: statusOf(kind, code, error?.message),
    attributes,
    links: [],
    events: event ? [event] : [],
    ended: true,
    resource,
    instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** A server that turned a bad request away did well; for who called, it is a failure all the same. */
function statusOf(kind: SpanKind, code: string, message = "") {
  const failed = code !== "ok" && (kind !== "server" || isFault(code));
  return failed ? { code: SpanStatusCode.ERROR, message } : { code: SpanStatusCode.UNSET };
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
