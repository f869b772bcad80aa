import type { Endpoint } from "./endpoint.ts";
import type { Verdict } from "./retry-policy.ts";

/** Tells an instance's load, breaker and absence of a try that the instance answered. */
export function settleAnswered({ load, breaker, absence }: Endpoint, ticket: number, tookMs: number): void {
  load.end(tookMs);
  breaker.succeeded(ticket);
  absence.seen();
}

/**
 * The same of a try that failed. `isHeard` says whether such a failure can only
 * have come from there. If it may as well be the caller's own, one that is no
 * fault proves nothing: not that the instance is well, nor that it is back.
 */
export function settleFailed(
  { load, breaker, absence }: Endpoint,
  ticket: number,
  tookMs: number,
  verdict: Verdict,
  isHeard: boolean,
): void {
  if (verdict === "absent") absence.gone();
  else if (isHeard) absence.seen();
  if (verdict === "answer" || verdict === "broken") load.end(tookMs);
  else load.rejected();
  if (verdict === "broken") breaker.failed(ticket);
  else if (verdict === "answer" && isHeard) breaker.succeeded(ticket);
  else breaker.cancelled(ticket);
}
