import type { Parent } from "./trace-context.ts";

export type SpanKind = "server" | "client" | "internal" | "producer" | "consumer";
export type AttributeValue = string | number | boolean;
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** A piece of work that has begun. All spans have one shape, for the engine's sake. */
export interface Span extends Parent {
  readonly parentId: string | undefined;
  readonly tracestate: string | undefined;
  readonly startMs: number;
  readonly kind: SpanKind;
  readonly name: string;
}

/** How a piece of work ended. */
export interface Outcome {
  /** `ok`, or the code of the error the way logs spell it. */
  readonly code: string;
  readonly error?: unknown;
  readonly attributes?: Attributes;
}

/** A piece of work that has ended and is recorded. */
export interface FinishedSpan {
  readonly service: string;
  readonly span: Span;
  readonly endMs: number;
  readonly code: string;
  readonly error: SpanError | undefined;
  readonly attributes: Attributes;
}

export interface SpanError {
  readonly type: string;
  readonly message: string;
  readonly stack: string | undefined;
}

/** Takes recorded spans. It must neither throw nor wait. */
export interface SpanSink {
  take(span: FinishedSpan): void;
  /** Delivers what it holds, within a time of its own. */
  close(): Promise<void>;
}
