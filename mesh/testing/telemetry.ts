import type { Logger } from "../log/logger.ts";
import { createLogger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { createMetrics } from "../metrics/metrics.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { createTelemetry } from "../telemetry/telemetry.ts";

const nowhere = { write: () => {} };

/** For calls that nobody wants to see. */
export function silentTelemetry(service: string, metrics: Metrics = createMetrics(service)): Telemetry {
  const log: Logger = createLogger({ service, level: "silent", contracts: [], destination: nowhere });
  return createTelemetry({ service, log, metrics, destination: nowhere });
}
