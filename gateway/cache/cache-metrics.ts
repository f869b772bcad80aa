import type { Metrics } from "#mesh";
import type { Answers } from "./answers.ts";

/** Counts what came of requests to methods whose answers may be kept. */
export interface CacheMetrics {
  hit(): void;
  miss(): void;
  stale(): void;
  /** Asked without the cache, because the request wants it or nothing else is safe. */
  passed(): void;
}

export function createCacheMetrics(metrics: Metrics | undefined, answers: Answers): CacheMetrics {
  if (!metrics) return { hit() {}, miss() {}, stale() {}, passed() {} };
  const counter = metrics.counter({
    name: "weft_gateway_cache_requests_total",
    help: "Requests to methods whose answers may be kept, by what came of them.",
    labels: ["outcome"],
  });
  metrics.gauge({
    name: "weft_gateway_cache_bytes",
    help: "Memory that kept answers take, at most.",
    collect: (gauge) => gauge.set(answers.bytes),
  });
  // Looked up once, not for each request.
  const [hit, miss, stale, passed] = (["hit", "miss", "stale", "passed"] as const).map((outcome) => {
    const child = counter.labels(outcome);
    return () => child.inc();
  }) as [() => void, () => void, () => void, () => void];
  return { hit, miss, stale, passed };
}
