import type { EventHead } from "./cloud-event.ts";

/** A message as a consumer gets it. */
export interface Delivery {
  readonly head: EventHead;
  /** Names and values by turns. */
  readonly headers: readonly string[];
  readonly data: Uint8Array;
  /** Without a namespace. */
  readonly subject: string;
  readonly sequence: number;
  /** How often it was delivered, this time included. */
  readonly deliveries: number;
  /** It may have been begun before and have taken the process with it. */
  readonly isSuspect: boolean;
  /** The one consumer that it is for; empty for all. */
  readonly only: string;
}

/** What is to become of a delivery. */
export type Verdict =
  | { readonly kind: "done" }
  | { readonly kind: "again"; readonly afterMs: number }
  /** Another instance has taken over. */
  | { readonly kind: "fenced" };

export const done: Verdict = { kind: "done" };
export const fenced: Verdict = { kind: "fenced" };

/** A store or broker that is away is no fault of the event: it is tried again until it works. */
export const away: Verdict = { kind: "again", afterMs: 1000 };
export const handedBack: Verdict = { kind: "again", afterMs: 0 };
