import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import { BatchSpanProcessor } from "@opentelemetry/sdk-trace";
import type { CollectorState } from "./collector-state.ts";
import type { SpanOrigin } from "./readable-span.ts";
import { readableSpan } from "./readable-span.ts";
import type { SpanSink } from "./span.ts";

export interface OtlpTracesOptions {
  url: string;
  headers: Readonly<Record<string, string>>;
  timeoutMs: number;
  origin: SpanOrigin;
  state: CollectorState;
  /** Longest a span waits for others to travel with. Default: 2000. */
  delayMs?: number;
  /** Most spans that wait; further ones are lost and counted. Default: 2048. */
  queueSize?: number;
}

/** Sends spans in batches of up to 512, behind the calls' backs. */
export function createOtlpTraces(options: OtlpTracesOptions): SpanSink {
  const { url, headers, timeoutMs, origin, state, delayMs = 2000, queueSize = 2048 } = options;
  const target = new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: timeoutMs });
  let waiting = 0;
  const exporter: SpanExporter = {
    export(spans, done) {
      waiting -= spans.length;
      target.export(spans, (result) => {
        if (result.code === 0) state.sent();
        else state.failed(spans.length, result.error);
        // The SDK has no use for a failure: it would tell an error handler of the whole process.
        done({ code: 0 });
      });
    },
    forceFlush: () => target.forceFlush(),
    shutdown: () => target.shutdown(),
  };
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize: queueSize,
    maxExportBatchSize: Math.min(512, queueSize),
    scheduledDelayMillis: delayMs,
    exportTimeoutMillis: timeoutMs + 1000,
  });
  return {
    take(span) {
      // Counted here too, since the SDK does not tell how many it drops.
      if (waiting >= queueSize) return state.dropped();
      waiting++;
      processor.onEnd(readableSpan(span, origin));
    },
    close: () => processor.shutdown(),
  };
}
