import type { Callbacks } from "./callbacks.ts";
import type { Delays, Timers } from "./clock.ts";

/** What the providers of the sandbox have in common. */
export interface Means {
  readonly delays: Delays;
  readonly timers: Timers;
  readonly callbacks: Callbacks;
  readonly now: () => number;
  /** Most charges, refunds and keys that are remembered. */
  readonly most: number;
}
