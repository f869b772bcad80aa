import type { UniversalHandler } from "@connectrpc/connect/protocol";
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
  /** Whether the body of this request, which is no RPC, may come in for as long as it likes. */
  lastsLong(request: NodeServerRequest): boolean;
  /** Answers what is no RPC. A rejection is logged and ends the connection. */
  serve(request: NodeServerRequest, response: NodeServerResponse): Promise<void> | void;
}
