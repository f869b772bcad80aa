import type { PeerOptions } from "../harness/orders.ts";

/** Which of the mesh's features are on. */
export interface WeftOptions {
  /** Service tokens made, sent, and verified. */
  readonly tokens: boolean;
  /** Messages held to the rules of the contract. */
  readonly validation: boolean;
  /** A deadline sent, and kept at both ends. */
  readonly deadline: boolean;
  /** Over two instances, instead of one. */
  readonly balancing: boolean;
  /** Breaker and retry budget. */
  readonly breaker: boolean;
  readonly metrics: boolean;
  /** Share of calls that are traced, from 0 to 1. */
  readonly tracing: number;
  /** A line for each call, in and out. */
  readonly accessLog: boolean;
}

/** As Weft is compared with others. */
export const usual: WeftOptions = {
  tokens: true,
  validation: true,
  deadline: true,
  balancing: true,
  breaker: true,
  metrics: true,
  tracing: 0.1,
  accessLog: false,
};

/** What of it the workers can switch; the rest is as the mesh has it. */
export const switchable: readonly (keyof WeftOptions)[] = [
  "tokens",
  "validation",
  "balancing",
  "metrics",
  "tracing",
  "accessLog",
];

export const readOptions = (options: PeerOptions): WeftOptions => ({ ...usual, ...options });
