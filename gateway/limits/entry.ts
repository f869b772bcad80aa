import type { Ask } from "./ask.ts";
import type { Rings } from "./rings.ts";

/** One key: an identity under a policy. */
export interface Entry {
  /** Prefix of the policy and identity; nothing while only a peer has spoken of it. */
  key: string | undefined;
  /** How replicas call it among themselves. */
  readonly hidden: string;
  /** Spreads what a division of limits leaves over. */
  readonly spread: number;
  readonly lengthsMs: readonly number[];
  readonly longestMs: number;
  readonly rings: Rings;
  readonly at: number;
  /** When it was last asked about. */
  seenMs: number;
  /** Has been at its limit, and so is not forgotten for the sake of new ones. */
  guarded: boolean;
  older: Entry;
  newer: Entry;
  /** Windows without room at the latest look, one bit each. */
  lacks: number;
  /** Uses lent by other replicas, in which windows, and until when they must be used. */
  credits: number;
  creditMask: number;
  creditUntilMs: number;
  /** The question that brought the credits. */
  creditSeq: number;
  /** Uses that are lent to others and may be used there, by window. */
  lent: number[] | undefined;
  isDropped: boolean;
  /** A question under way. */
  ask: Ask | undefined;
  /** What the other replicas said of it last. */
  lenders: Map<string, Lender> | undefined;
}

/** What another replica said of its own share of a key. */
export interface Lender {
  readonly saidMs: number;
  /** By window, until when it has nothing; a time that has passed where it has. */
  readonly emptyUntilMs: readonly number[];
  /** What it had left, by window. */
  readonly free: readonly number[];
}

/** What is not free of a window: used lately, or out on loan. */
export function usedOf(entry: Entry, window: number, nowMs: number): number {
  const used = entry.rings.used(entry.at, window, entry.lengthsMs[window] as number, nowMs);
  return entry.lent === undefined ? used : used + (entry.lent[window] as number);
}
