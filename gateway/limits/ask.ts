import type { Decision } from "./decision.ts";
import type { LimitPolicy } from "./policy.ts";

/** A request that waits for an answer of other replicas. */
export interface Waiter {
  readonly identity: string;
  readonly policies: readonly LimitPolicy[];
  readonly factor: number;
  /** After this it is decided with what is known here. */
  readonly untilMs: number;
  /** Nothing once it is decided. */
  resolve: ((decision: Decision) => void) | undefined;
}

/** A question about one key, and who waits for its answer. */
export interface Ask {
  readonly waiters: Waiter[];
  /** Of all replicas together, by window. */
  readonly limits: readonly number[];
  /** Windows that lack room, one bit each. */
  mask: number;
  /** Replicas that have not answered yet. */
  open: number;
}
