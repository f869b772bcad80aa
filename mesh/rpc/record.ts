import { createContextKey } from "@connectrpc/connect";
import type { Call } from "../call/call.ts";

/** What is noted about one call while it runs, for its log line and metrics. */
export interface CallRecord {
  readonly method: string;
  readonly startedAt: number;
  readonly peer: Peer;
  call?: Call;
  /** The handler gave its whole answer. */
  answered?: boolean;
  /** What the call failed with, where we saw it. */
  error?: unknown;
}

/** Where a connection comes from, as far as the socket tells. */
export interface Peer {
  readonly address: string;
  readonly protocol: string;
}

export const peerKey = createContextKey<Peer>({ address: "", protocol: "" }, { description: "weft peer" });
export const recordKey = createContextKey<CallRecord | undefined>(undefined, { description: "weft record" });
