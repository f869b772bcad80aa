import { createContextKey } from "@connectrpc/connect";
import type { LiveCall } from "../call/live-call.ts";
import type { Span } from "../telemetry/span.ts";
import type { AnsweredMethod } from "./method.ts";

/** What is noted about one call while it runs, for its log line, metrics and trace. */
export interface CallRecord {
  readonly method: AnsweredMethod;
  readonly startedAt: number;
  readonly peer: Peer;
  /** Known before anything else of the call, so that a refusal has them too. */
  ids?: CallIds;
  span?: Span;
  call?: LiveCall;
  /** When it got its place among the calls that the limit lets in at once; not all kinds need one. */
  enteredAt?: number;
  /** The request could be read, and work on it began. */
  began?: boolean;
  /** The handler gave its whole answer. */
  answered?: boolean;
  /** What the call failed with, where we saw it. */
  error?: unknown;
}

/** What ties a call to its log lines and to the calls that led to it. */
export interface CallIds {
  readonly requestId: string;
  readonly correlationId: string;
}

/** Where a connection comes from, as far as the socket tells. */
export interface Peer {
  readonly address: string;
  readonly protocol: string;
}

export const peerKey = createContextKey<Peer>({ address: "", protocol: "" }, { description: "weft peer" });
export const recordKey = createContextKey<CallRecord | undefined>(undefined, { description: "weft record" });
