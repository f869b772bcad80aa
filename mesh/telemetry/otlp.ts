import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { SpanSink } from "./span.ts";
import type { OtlpSettings } from "./telemetry-fields.ts";

export interface OtlpOptions {
  settings: OtlpSettings;
  service: string;
  version: string;
  /** Id of this instance. */
  instance: string;
  metrics: Metrics;
  log: Logger;
  /** How long the last export may hold up the stop. Default: 3000. */
  closeWithinMs?: number;
}

export interface Otlp {
  /** Takes recorded spans, when traces are exported. */
  readonly spans: SpanSink | undefined;
  /** Sends what is left, as far as the time allows. Never fails. */
  close(): Promise<void>;
}

/**
 * Exports to an OpenTelemetry collector. The SDK is loaded here and not
 * before: without a collector it costs neither start-up time nor memory.
 */
export async function openOtlp(options: OtlpOptions): Promise<Otlp> {
  const { settings, service, version, instance, metrics, log, closeWithinMs = 3000 } = options;
  const { tracesUrl, metricsUrl, headers, timeoutMs, metricsIntervalMs: intervalMs } = settings;
  const [{ resourceFromAttributes }, { createOtlpTraces }, { createOtlpMetrics }, { createCollectorState }] =
    await Promise.all([
      import("@opentelemetry/resources"),
      import("./otlp-traces.ts"),
      import("./otlp-metrics.ts"),
      import("./collector-state.ts"),
    ]);
  const origin = {
    resource: resourceFromAttributes({
      "service.name": service,
      "service.version": version,
      "service.instance.id": instance,
      "telemetry.sdk.name": "opentelemetry",
      "telemetry.sdk.language": "nodejs",
    }),
    instrumentationScope: { name: "weft", version },
  };
  const spans =
    tracesUrl === undefined
      ? undefined
      : createOtlpTraces({
          url: tracesUrl,
          headers,
          timeoutMs,
          origin,
          state: createCollectorState("spans", tracesUrl, log),
        });
  const pushed =
    metricsUrl === undefined
      ? undefined
      : createOtlpMetrics({
          url: metricsUrl,
          headers,
          timeoutMs,
          intervalMs,
          metrics,
          origin,
          state: createCollectorState("metrics", metricsUrl, log),
        });

  const close = async () => {
    const waiting = new AbortController();
    const late = sleep(closeWithinMs, "late", { signal: waiting.signal }).catch(() => "");
    const parts = await Promise.race([Promise.allSettled([spans?.close(), pushed?.close()]), late]);
    waiting.abort();
    if (typeof parts === "string") {
      log.warn({ waitedMs: closeWithinMs }, "the collector did not take the last spans and metrics in time");
      return;
    }
    for (const part of parts) {
      if (part.status === "rejected")
        log.warn({ err: part.reason }, "last spans or metrics were not exported");
    }
  };
  let closed: Promise<void> | undefined;
  const closeOnce = () => {
    closed ??= close();
    return closed;
  };
  return { spans: spans && { take: (span) => spans.take(span), close: closeOnce }, close: closeOnce };
}
