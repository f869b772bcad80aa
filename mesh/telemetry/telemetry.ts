import type { DestinationStream } from "pino";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { AccessLog } from "./access-log.ts";
import { createAccessLog } from "./access-log.ts";
import type { CallMetrics } from "./call-metrics.ts";
import { createCallMetrics } from "./call-metrics.ts";
import type { SpanSink } from "./span.ts";
import type { Tracer } from "./tracer.ts";
import { createTracer } from "./tracer.ts";

/** How the calls of one service are seen: traces, metrics, log lines. */
export interface Telemetry {
  readonly tracer: Tracer;
  readonly calls: CallMetrics;
  readonly access: AccessLog;
  close(): Promise<void>;
}

export interface TelemetryOptions {
  service: string;
  log: Logger;
  /** Where the logger's lines go too. */
  destination: DestinationStream;
  metrics: Metrics;
  /** Share of traces recorded. Default: that of the tracer. */
  traceRatio?: number;
  /** Whether calls that went well get lines. Default: true. */
  accessLog?: boolean;
  /** Where recorded spans go. Default: nowhere. */
  sinks?: readonly SpanSink[];
}

export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { service, log, destination, metrics, traceRatio, accessLog, sinks } = options;
  const calls = createCallMetrics(metrics);
  const access = createAccessLog({
    service,
    log,
    destination,
    dropped: calls.logLinesDropped,
    ...(accessLog !== undefined && { enabled: accessLog }),
  });
  const tracer = createTracer({
    service,
    ...(traceRatio !== undefined && { ratio: traceRatio }),
    ...(sinks && { sinks }),
  });
  return {
    tracer,
    calls,
    access,
    close: async () => {
      access.close();
      await tracer.close();
    },
  };
}
