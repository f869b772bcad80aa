import { ConnectError } from "@connectrpc/connect";
import { codeName } from "../errors.ts";
import { createIdSource } from "./ids.ts";
import { createSampler, usualTraceRatio } from "./sampler.ts";
import type { Attributes, Outcome, Span, SpanError, SpanKind, SpanSink } from "./span.ts";
import type { Parent } from "./trace-context.ts";
import { formatTraceparent } from "./trace-context.ts";

export interface TracerOptions {
  service: string;
  /** Share of traces recorded, 0 to 1. Default: 0.1. */
  ratio?: number;
  /** Where recorded spans go. Default: nowhere. */
  sinks?: readonly SpanSink[];
  /** Milliseconds since 1970, with fractions. Default: the monotonic clock. */
  now?: () => number;
  /** Fills bytes at random. Default: the system's cryptographic source. */
  randomFill?: (bytes: Uint8Array) => void;
}

/** Follows work through services. */
export interface Tracer {
  /** `startMs` saves a look at the clock where it is known already. */
  begin(kind: SpanKind, name: string, parent: Parent | undefined, startMs?: number): Span;
  /** Costs nothing for a span that is neither sampled nor failed. */
  end(span: Span, outcome: Outcome, endMs?: number): void;
  close(): Promise<void>;
}

/** Of a text that a peer wrote, this much is recorded. */
const longestText = 1024;
const longestStack = 4096;
const noAttributes: Attributes = Object.freeze({});

/** Time since 1970 that never runs backwards within a process, with microseconds. */
export const epochNow = (): number => performance.timeOrigin + performance.now();

export function createTracer(options: TracerOptions): Tracer {
  const { service, ratio = usualTraceRatio, sinks = [], now = epochNow, randomFill } = options;
  const ids = createIdSource(randomFill);
  const sampler = createSampler(ratio);
  return {
    begin(kind, name, parent, startMs = now()) {
      const traceId = parent === undefined ? ids.traceId() : parent.traceId;
      const spanId = ids.spanId();
      return {
        traceId,
        spanId,
        parentId: parent?.spanId,
        sampled: sampler.sample(traceId, spanId, parent),
        tracestate: parent?.tracestate,
        startMs,
        kind,
        name,
      };
    },
    end(span, outcome, endMs) {
      const { code } = outcome;
      if (!mayKeep(span, code) || sinks.length === 0) return;
      const at = endMs ?? now();
      if (!sampler.keep(span.sampled, code, at)) return;
      const { error, attributes = noAttributes } = outcome;
      const told = error === undefined ? undefined : describe(error);
      const finished = { service, span, endMs: Math.max(at, span.startMs), code, error: told, attributes };
      for (const sink of sinks) sink.take(finished);
    },
    async close() {
      await Promise.all(sinks.map((sink) => sink.close()));
    },
  };
}

/** Whether it is worth while to gather attributes for the end of this span. */
export const mayKeep = (span: Span, code: string): boolean => span.sampled || code !== "ok";

/** The header that makes a call the child of this span. */
export const traceparentOf = (span: Span): string => formatTraceparent(span);

/** Whatever has a span under which further work may stand, such as a call. */
export interface Traced {
  readonly tracer: Tracer;
  readonly span: Span;
}

/** Runs a piece of a handler's work as a span of its own. */
export async function withSpan<T>(
  within: Traced,
  name: string,
  run: (inner: Traced) => T | Promise<T>,
): Promise<T> {
  const { tracer } = within;
  const span = tracer.begin("internal", name, within.span);
  try {
    const result = await run({ tracer, span });
    tracer.end(span, { code: "ok" });
    return result;
  } catch (error) {
    tracer.end(span, { code: codeName(ConnectError.from(error).code), error });
    throw error;
  }
}

/** As with logs: what the error hides from the wire is what the reader needs. */
function describe(error: unknown): SpanError {
  const inner = error instanceof ConnectError ? (error.cause ?? error) : error;
  if (!(inner instanceof Error)) return { type: typeof inner, message: "", stack: undefined };
  const { name, stack } = inner;
  const message = inner instanceof ConnectError ? inner.rawMessage : inner.message;
  return { type: name, message: message.slice(0, longestText), stack: stack?.slice(0, longestStack) };
}
