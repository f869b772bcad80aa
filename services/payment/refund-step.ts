import type { State } from "./payments-store.ts";
import type { None, Standing } from "./providers/provider.ts";

/** What an answer of the provider does to a refund. */
export type RefundStep =
  /** It is over, and stays as it is. */
  | "nothing"
  /** It goes on; the provider has a name for it. */
  | "noted"
  | "succeeded"
  | "failed"
  /** It had succeeded, and the customer's bank sent the money back. */
  | "came_back";

/** Answers come late, twice and out of order; money goes back once, and comes back once at most. */
export function refundStep(state: State, told: (Standing | None)["state"]): RefundStep {
  if (state === "failed") return "nothing";
  if (state === "succeeded") return told === "failed" ? "came_back" : "nothing";
  if (told === "succeeded" || told === "failed") return told;
  return "noted";
}

const dayMs = 24 * 3_600_000;
/** Stripe tells of refunds that come back within 30 days. */
const lastLookDays = 32;

/** When to see once more whether a refund stays, should no callback come; nothing when it succeeded long ago. */
export function nextLook(succeededAt: Date, nowMs: number): Date | null {
  const ageMs = nowMs - succeededAt.getTime();
  for (let days = 1; days <= lastLookDays; days *= 2) {
    if (days * dayMs > ageMs) return new Date(succeededAt.getTime() + days * dayMs);
  }
  return null;
}
