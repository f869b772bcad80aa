import type { PeerOptions } from "../harness/orders.ts";

/** Which of the gateway's features are on. */
export interface WeftOptions {
  /** Users sign in: their tokens are verified, and statements about them passed on. Else the methods are public. */
  readonly auth: boolean;
  /** Rate limits of each user, as they are by default. */
  readonly limits: boolean;
  /** Share of requests that are traced, from 0 to 1. */
  readonly tracing: number;
  /** A line for each request, in the gateway and in the service. */
  readonly accessLog: boolean;
}

/** As Weft is compared with others; metrics are always on. */
export const usual: WeftOptions = { auth: true, limits: true, tracing: 0.1, accessLog: false };

export const readOptions = (options: PeerOptions): WeftOptions => ({ ...usual, ...options });

/** What the options mean for both processes. */
export const envOf = ({ limits, tracing, accessLog }: WeftOptions): Record<string, string> => ({
  GATEWAY_RATE_LIMITS: `${limits}`,
  WEFT_TRACE_RATIO: `${tracing}`,
  WEFT_ACCESS_LOG: `${accessLog}`,
});
