import { statfs } from "node:fs/promises";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Metrics } from "../metrics/metrics.ts";
import type { RouteAnswer, Routes } from "../server/node.ts";
import type { HealthChecks, HealthReport } from "./checks.ts";

export interface HealthRoutesOptions {
  service: string;
  version: string;
  checks: HealthChecks;
  metrics: Metrics;
  /** Started, and not on the way down. */
  accepting: () => boolean;
  port: () => number;
  connections: () => number;
}

const metricsFreshMs = 1000;

/** `/health` and its kin, as probes and people ask for them. */
export function healthRoutes(options: HealthRoutesOptions): Routes {
  const { service, version, checks, metrics, accepting, port, connections } = options;
  const startedAt = Date.now();
  const loopDelay = monitorEventLoopDelay({ resolution: samplingMs });
  loopDelay.enable();
  // A sample is the time between two ticks of its timer: what exceeds the interval is lag.
  const lagMs = (percentile: number) => Math.max(0, ms(loopDelay.percentile(percentile)) - samplingMs);

  // Rendering takes milliseconds, and anybody may ask: one a second serves all.
  let latest: { at: number; text: Promise<string> } | undefined;
  const rendered = () => {
    if (!latest || Date.now() - latest.at >= metricsFreshMs)
      latest = { at: Date.now(), text: metrics.render() };
    return latest.text;
  };

  const summary = (report: HealthReport) => {
    const uptime = Math.round((Date.now() - startedAt) / 100) / 10;
    return {
      service,
      status: accepting() ? report.status : "unhealthy",
      version,
      port: port(),
      timestamp: new Date().toISOString(),
      uptime_seconds: uptime,
      dependencies: mapValues(report.dependencies, ({ status }) => status),
      metrics: {
        uptime_seconds: uptime,
        active_connections: connections(),
        memory_usage_mb: Math.round(process.memoryUsage.rss() / 1024 / 1024),
      },
    };
  };
  const detailed = async (report: HealthReport) => ({
    ...summary(report),
    dependencies: mapValues(report.dependencies, ({ status, critical, latencyMs, error }) => ({
      status,
      critical,
      latency_ms: latencyMs,
      ...(error === undefined ? {} : { error }),
    })),
    event_loop_lag_ms: { p50: round(lagMs(50)), p99: round(lagMs(99)) },
    disk: await diskUse(),
  });
  const well = ({ status }: HealthReport) => accepting() && status !== "unhealthy";

  return new Map<string, () => Promise<RouteAnswer>>([
    ["/health", async () => reportAnswer(await checks.report(), well, async (it) => summary(it))],
    ["/health/detailed", async () => reportAnswer(await checks.report(), well, detailed)],
    ["/health/live", async () => json(200, { status: "alive" })],
    [
      "/health/ready",
      async () =>
        well(await checks.report()) ? json(200, { status: "ready" }) : json(503, { status: "not ready" }),
    ],
    ["/metrics", async () => ({ status: 200, contentType: metrics.contentType, body: await rendered() })],
  ]);
}

async function reportAnswer(
  report: HealthReport,
  well: (report: HealthReport) => boolean,
  body: (report: HealthReport) => Promise<object>,
): Promise<RouteAnswer> {
  return json(well(report) ? 200 : 503, await body(report));
}

const json = (status: number, body: object): RouteAnswer => ({
  status,
  contentType: "application/json",
  body: JSON.stringify(body),
});

/** The disk under the working folder, where logs and embedded data are. */
async function diskUse() {
  const { blocks, bavail, bsize } = await statfs(".");
  const gib = (count: number) => Math.round((count * bsize) / 1024 ** 2 / 102.4) / 10;
  return { free_gb: gib(bavail), used_percent: blocks === 0 ? 0 : Math.round((1 - bavail / blocks) * 100) };
}

const samplingMs = 20;
const ms = (nanos: number) => nanos / 1e6;
const round = (value: number) => Math.round(value * 100) / 100;

function mapValues<T, U>(values: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]));
}
