import type { DestinationStream } from "pino";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { openOtlp } from "../telemetry/otlp.ts";
import { createRecentSpans } from "../telemetry/recent.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { createTelemetry } from "../telemetry/telemetry.ts";
import { version } from "../version.ts";
import type { MeshConfig } from "./mesh-config.ts";

/** The last recorded spans of all services of this process. */
export const recentSpans = createRecentSpans({});

export interface OpenTelemetryOptions {
  service: string;
  instanceId: string;
  config: MeshConfig;
  log: Logger;
  destination: DestinationStream;
  metrics: Metrics;
}

/** Telemetry as the configuration has it, with an export when there is a collector. */
export async function openTelemetry(options: OpenTelemetryOptions): Promise<Telemetry> {
  const { service, instanceId, config, log, destination, metrics } = options;
  const { otlp: settings, traceRatio, accessLog } = config;
  const otlp =
    settings && (await openOtlp({ settings, service, version, instance: instanceId, metrics, log }));
  const telemetry = createTelemetry({
    service,
    log,
    destination,
    metrics,
    traceRatio,
    accessLog,
    sinks: [recentSpans, ...(otlp?.spans ? [otlp.spans] : [])],
  });
  return {
    ...telemetry,
    close: async () => {
      await telemetry.close();
      await otlp?.close();
    },
  };
}
