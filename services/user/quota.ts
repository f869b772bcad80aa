import type { CountRule } from "./throttle.ts";

export interface QuotaPolicy {
  /** Most in one window. */
  readonly limit: number;
  readonly windowMs: number;
}

/** Lets so much happen in each window, which begins with the first. */
export function quota({ limit, windowMs }: QuotaPolicy): CountRule {
  const left = (sinceMs: number, nowMs: number) =>
    // Clocks of replicas differ: a time that lies ahead must not make the wait longer.
    Math.min(Math.max(0, sinceMs + windowMs - nowMs), windowMs);
  return {
    wait: ({ count, sinceMs }, nowMs) => (count < limit ? 0 : left(sinceMs, nowMs)),
    next: ({ count, sinceMs }, nowMs) =>
      count === 0 || left(sinceMs, nowMs) === 0
        ? { count: 1, sinceMs: nowMs, lastMs: nowMs }
        : { count: count + 1, sinceMs, lastMs: nowMs },
  };
}
