import { fail } from "#mesh";
import type { Decision } from "../limits/decision.ts";

/** What a caller is told who asks too often. */
export const limited = (decision: Decision) =>
  fail.exhausted("rate_limited", "too many requests", {
    remedy: `try again in ${decision.retryAfterSeconds} s`,
    retryAfterMs: decision.retryAfterSeconds * 1000,
  });
