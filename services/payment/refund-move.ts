import type { State } from "./payments-store.ts";
import type { None, Standing } from "./providers/provider.ts";

/** What is known of a refund when it is looked at. */
export interface Known {
  readonly id: string;
  readonly state: State;
  readonly providerReference: string;
  readonly askedAt: Date | null;
}

/** What to do about a refund. */
export type RefundMove =
  /** The provider has said what became of it. */
  | "note"
  /** The provider is to be asked for it. */
  | "ask"
  /** The provider may still be doing what it was asked for. */
  | "wait"
  /** The provider gave it a name and does not know it any more, which is no answer. */
  | "away";

/** What follows from what the provider says of it; it is not asked about what it was never asked for. */
export function refundMove(
  { id, state, providerReference, askedAt }: Known,
  found: (Standing | None)["state"],
  nowMs: number,
  askAgainMs: number,
): RefundMove {
  if (found !== "none" || state === "succeeded") return "note";
  // A name of our own says only that the request was taken: mobile money may lose it, and takes it again.
  if (providerReference !== "" && providerReference !== id) return "away";
  return askedAt && nowMs - askedAt.getTime() < askAgainMs ? "wait" : "ask";
}
