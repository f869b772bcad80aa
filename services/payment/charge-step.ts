import type { State } from "./payments-store.ts";
import type { Standing } from "./providers/provider.ts";

/** What an answer of the provider does to a payment. */
export type ChargeStep =
  /** It is known already, or of no interest. */
  | "nothing"
  /** It goes on; the provider has a name for it. */
  | "noted"
  | "charged"
  | "failed"
  /** Money came for a payment that had been given up. */
  | "surplus";

/** Answers come late, twice and out of order: only the first of each kind does something. */
export function chargeStep(state: State, told: Standing["state"]): ChargeStep {
  if (state === "succeeded") return "nothing";
  if (state === "failed") return told === "succeeded" ? "surplus" : "nothing";
  if (told === "succeeded") return "charged";
  return told === "failed" ? "failed" : "noted";
}
