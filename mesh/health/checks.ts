import { setTimeout as sleep } from "node:timers/promises";

export interface HealthCheck {
  readonly name: string;
  /** Without a critical dependency the service is unhealthy; without another it is degraded. */
  readonly critical: boolean;
  /** Throws when the dependency is not well; gives `degraded` when it is so itself. */
  readonly check: () => Promise<unknown> | unknown;
}

export type DependencyStatus = "healthy" | "degraded" | "unhealthy";
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
  /** Forgets what is of that name. */
  remove(name: string): void;
  /** Runs all checks; callers during a run and within a second after it share that run. */
  report(): Promise<HealthReport>;
}

const freshMs = 1000;

export interface HealthChecksOptions {
  now?: () => number;
  /** Longest time that a dependency may take to answer. Default 2 s. */
  timeoutMs?: number;
}

export function createHealthChecks(options: HealthChecksOptions = {}): HealthChecks {
  const { now = () => performance.now(), timeoutMs = 2000 } = options;
  const checks: HealthCheck[] = [];
  let latest: Run | undefined;
  return {
    add: (check) => {
      checks.push(check);
      latest = undefined;
    },
    remove: (name) => {
      const at = checks.findIndex((it) => it.name === name);
      if (at >= 0) checks.splice(at, 1);
      latest = undefined;
    },
    report: () => {
      if (!latest || now() > latest.freshUntil) latest = startRun(() => runAll(checks, timeoutMs), now);
      return latest.report;
    },
  };
}

interface Run {
  readonly report: Promise<HealthReport>;
  freshUntil: number;
}

/** A run is fresh for as long as it takes, so that a dependency that hangs is asked but once at a time. */
function startRun(ask: () => Promise<HealthReport>, now: () => number): Run {
  const run: Run = {
    report: ask().finally(() => {
      run.freshUntil = now() + freshMs;
    }),
    freshUntil: Number.POSITIVE_INFINITY,
  };
  return run;
}

async function runAll(checks: readonly HealthCheck[], timeoutMs: number): Promise<HealthReport> {
  const results = await Promise.all(
    checks.map(async (check) => [check.name, await run(check, timeoutMs)] as const),
  );
  const bad = results.filter(([, result]) => result.status !== "healthy");
  const status = bad.some(([, result]) => result.critical && result.status === "unhealthy")
    ? "unhealthy"
    : bad.length > 0
      ? "degraded"
      : "healthy";
  return { status, dependencies: Object.fromEntries(results) };
}

async function run({ check, critical }: HealthCheck, timeoutMs: number): Promise<CheckResult> {
  const started = performance.now();
  const timer = new AbortController();
  try {
    const found = await Promise.race([
      Promise.resolve().then(check),
      sleep(timeoutMs, undefined, { signal: timer.signal, ref: false }).then(() => {
        throw new Error(`no answer within ${timeoutMs / 1000} s`);
      }),
    ]);
    const status = found === "degraded" ? "degraded" : "healthy";
    return { status, critical, latencyMs: elapsed(started) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { status: "unhealthy", critical, latencyMs: elapsed(started), error: message };
  } finally {
    timer.abort();
  }
}

const elapsed = (started: number) => Math.round((performance.now() - started) * 10) / 10;
