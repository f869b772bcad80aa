import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import { eachField } from "#mesh/call/metadata.ts";
import type { NodeServerRequest, NodeServerResponse } from "#mesh/server/node.ts";

/**
 * Sends a whole answer. Headers come in pairs, names in small letters. Text that
 * `isPlain` has a byte for each character, and is written without being looked at.
 */
export function send(
  request: NodeServerRequest,
  response: NodeServerResponse,
  status: number,
  headers: readonly string[],
  body: string | Uint8Array,
  isPlain = false,
): void {
  if (isGone(request, response)) return;
  begin(request, response, status, headers);
  if (request.method === "HEAD" || status === 304 || status === 204) response.end();
  else if (typeof body === "string" && isPlain) response.end(body, "latin1");
  else response.end(body);
}

/** Nobody is there any more; to HTTP/2 it would be an error to answer. */
const isGone = (request: NodeServerRequest, response: NodeServerResponse): boolean =>
  "stream" in request ? request.stream.destroyed : response.destroyed;

/** Sends the head of an answer. */
export function begin(
  request: NodeServerRequest,
  response: NodeServerResponse,
  status: number,
  headers: readonly string[],
): void {
  if ("stream" in request) {
    const http2 = response as unknown as Http2ServerResponse;
    eachField(headers, (name, value) => http2.appendHeader(name, value));
    http2.writeHead(status);
    return;
  }
  // Pairs are what Node writes the quickest; it looks at none of them but to see what is there.
  (response as unknown as ServerResponse<IncomingMessage>).writeHead(status, headers as string[]);
}
