import type { Parent } from "./trace-context.ts";

/** Share of traces recorded when nothing else is configured. */
export const usualTraceRatio = 0.1;

/** Failures of callers that are recorded a second though not sampled; beyond it they follow the ratio. */
const callerFaultsPerSecond = 50;

/**
 * Codes that tell of a fault at the called side, after the OpenTelemetry
 * conventions for gRPC. The others are answers that a caller provoked.
 */
const faults: ReadonlySet<string> = new Set([
  "unknown",
  "deadline_exceeded",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
]);

export const isFault = (code: string): boolean => faults.has(code);

/** Which work is recorded. */
export interface Sampler {
  /** Decides at the start: a parent has decided already. */
  sample(traceId: string, spanId: string, parent: Parent | undefined): boolean;
  /** Decides at the end: what failed is recorded even when it was not sampled. */
  keep(sampled: boolean, code: string, nowMs: number): boolean;
}

/**
 * A share of traces by their id, so that all who know the id agree. Faults are
 * always kept; what callers do wrong is kept up to a rate, or a flood of bad
 * requests would be a flood of spans.
 */
export function createSampler(ratio: number): Sampler {
  let windowStart = 0;
  let kept = 0;
  return {
    sample(traceId, spanId, parent) {
      if (parent === undefined) return inRatio(traceId, 18, ratio);
      // An outsider chose the trace id; our own span id it could not choose.
      return parent.outside ? inRatio(spanId, 8, ratio) : parent.sampled;
    },
    keep(sampled, code, nowMs) {
      if (sampled) return true;
      if (code === "ok") return false;
      if (isFault(code)) return true;
      // Also when the clock was set back.
      if (nowMs - windowStart >= 1000 || nowMs < windowStart) {
        windowStart = nowMs;
        kept = 0;
      }
      return kept++ < callerFaultsPerSecond;
    },
  };
}

/**
 * Is the number that 8 digits from here on make in the recorded share? In a
 * trace id these begin at 18: OpenTelemetry draws the lot from its last 56
 * bits, keeping the upper ones, so collectors that sample agree with us.
 */
function inRatio(id: string, from: number, ratio: number): boolean {
  if (ratio >= 1) return true;
  if (ratio <= 0) return false;
  let number = 0;
  for (let at = from; at < from + 8; at++) {
    const char = id.charCodeAt(at);
    number = number * 16 + (char <= 57 ? char - 48 : char - 87);
  }
  return number >= (1 - ratio) * 2 ** 32;
}
