import type { UniversalHandler } from "@connectrpc/connect/protocol";
import type { Hold } from "../bounds/held.ts";
import type { NodeServerRequest, NodeServerResponse } from "./node.ts";

/**
 * What a port answers beyond its own RPCs, for a process that stands before
 * others. What bounds a peer (connections, calls at once, bytes held, slow
 * senders and readers) is kept by the port all the same.
 */
export interface Front {
  /** Before anything else of a call by RPC: may set headers, or answer and say so. */
  greet(request: NodeServerRequest, response: NodeServerResponse): boolean;
  /** The handler of an RPC path that is not the process's own; asked for each request. */
  handler(path: string): UniversalHandler | undefined;
  /**
   * Answers what is no RPC, and sees to it that bodies do not take for ever. What
   * it holds in memory it counts in a hold. A rejection is logged and ends the
   * connection.
   */
  serve(request: NodeServerRequest, response: NodeServerResponse, openHold: () => Hold): Promise<void> | void;
}
