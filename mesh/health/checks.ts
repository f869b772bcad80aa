import { setTimeout as sleep } from "node:timers/promises";

export interface HealthCheck {
  readonly name: string;
  /** Without a critical dependency the service is unhealthy; without another it is degraded. */
  readonly critical: boolean;
  /** Throws when the dependency is not well. */
  readonly check: () => Promise<unknown> | unknown;
}

export type DependencyStatus = "healthy" | "unhealthy";
export type HealthStatus = "healthy" | "degraded" | "unhealthy";

export interface CheckResult {
  readonly status: DependencyStatus;
  readonly critical: boolean;
  readonly latencyMs: number;
  readonly error?: string;
}

export interface HealthReport {
  readonly status: HealthStatus;
  readonly dependencies: Readonly<Record<string, CheckResult>>;
}

/** What a service depends on, asked when somebody wants to know. */
export interface HealthChecks {
  add(check: HealthCheck): void;
  /** Runs all checks; callers within a second share one run. */
  report(): Promise<HealthReport>;
}

const checkTimeoutMs = 2000;
const freshMs = 1000;

export function createHealthChecks(now: () => number = Date.now): HealthChecks {
  const checks: HealthCheck[] = [];
  let latest: { at: number; report: Promise<HealthReport> } | undefined;
  return {
    add: (check) => {
      checks.push(check);
      latest = undefined;
    },
    report: () => {
      if (!latest || now() - latest.at > freshMs) latest = { at: now(), report: runAll(checks) };
      return latest.report;
    },
  };
}

async function runAll(checks: readonly HealthCheck[]): Promise<HealthReport> {
  const results = await Promise.all(checks.map(async (check) => [check.name, await run(check)] as const));
  const bad = results.filter(([, result]) => result.status === "unhealthy");
  const status = bad.some(([, result]) => result.critical)
    ? "unhealthy"
    : bad.length > 0
      ? "degraded"
      : "healthy";
  return { status, dependencies: Object.fromEntries(results) };
}

async function run({ check, critical }: HealthCheck): Promise<CheckResult> {
  const started = performance.now();
  const timer = new AbortController();
  try {
    await Promise.race([
      Promise.resolve().then(check),
      sleep(checkTimeoutMs, undefined, { signal: timer.signal, ref: false }).then(() => {
        throw new Error(`no answer within ${checkTimeoutMs / 1000} s`);
      }),
    ]);
    return { status: "healthy", critical, latencyMs: elapsed(started) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { status: "unhealthy", critical, latencyMs: elapsed(started), error: message };
  } finally {
    timer.abort();
  }
}

const elapsed = (started: number) => Math.round((performance.now() - started) * 10) / 10;
