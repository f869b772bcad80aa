import type { FinishedSpan, SpanSink } from "./span.ts";

export interface RecentSpansOptions {
  /** Most spans held of each kind, good and failed. Default: 1000. */
  capacity?: number;
}

/** One trace, as far as this process has seen it. */
export interface TraceSummary {
  readonly traceId: string;
  readonly startMs: number;
  readonly durationMs: number;
  /** Name and service of the first span, which is the whole of the work here. */
  readonly name: string;
  readonly service: string;
  readonly failed: boolean;
  readonly spans: number;
}

/** The last recorded spans of this process, to be looked at without a collector. */
export interface RecentSpans extends SpanSink {
  /** Spans of one trace, in order of their beginning. */
  trace(traceId: string): FinishedSpan[];
  /** The latest traces, newest first. `failed`: only those with a failure. */
  traces(limit: number, failed?: boolean): TraceSummary[];
}

/** Failures have a place of their own, so that good calls do not push them out. */
export function createRecentSpans({ capacity = 1000 }: RecentSpansOptions = {}): RecentSpans {
  const good = createRing<FinishedSpan>(capacity);
  const failed = createRing<FinishedSpan>(capacity);
  const all = () => [...good.items(), ...failed.items()].sort(byStart);
  return {
    take: (span) => (span.code === "ok" ? good : failed).add(span),
    close: async () => {},
    trace: (traceId) => all().filter(({ span }) => span.traceId === traceId),
    traces(limit, onlyFailed = false) {
      const byTrace = Map.groupBy(all(), ({ span }) => span.traceId);
      return [...byTrace.values()]
        .map(summarize)
        .filter((it) => it.failed || !onlyFailed)
        .sort((a, b) => b.startMs - a.startMs)
        .slice(0, limit);
    },
  };
}

const byStart = (a: FinishedSpan, b: FinishedSpan) => a.span.startMs - b.span.startMs;

function summarize(spans: readonly FinishedSpan[]): TraceSummary {
  const [first] = spans;
  if (!first) throw new RangeError("a trace has at least one span");
  const { traceId, startMs, name } = first.span;
  const endMs = Math.max(...spans.map((it) => it.endMs));
  const failed = spans.some((it) => it.code !== "ok");
  const { service } = first;
  return { traceId, startMs, durationMs: endMs - startMs, name, service, failed, spans: spans.length };
}

function createRing<T>(capacity: number) {
  const held: T[] = [];
  let next = 0;
  return {
    add(item: T) {
      held[next] = item;
      next = (next + 1) % capacity;
    },
    items: (): readonly T[] => held,
  };
}
