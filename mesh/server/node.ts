import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";

/** A request of either HTTP version. */
export type NodeServerRequest = IncomingMessage | Http2ServerRequest;

/** The answer to one. What both versions have, since their overloads do not make a callable union. */
export interface NodeServerResponse {
  readonly headersSent: boolean;
  readonly writableLength: number;
  readonly destroyed: boolean;
  setHeader(name: string, value: string): unknown;
  writeHead(status: number, headers?: Record<string, string | number>): unknown;
  /** False when it is time to wait for `drain`. */
  write(chunk: string | Uint8Array): boolean;
  end(body?: string | Uint8Array, encoding?: BufferEncoding): unknown;
  once(event: "close" | "finish" | "drain", listener: () => void): unknown;
  destroy(): unknown;
}

/** What a plain HTTP route answers. */
export interface RouteAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Plain HTTP beside the RPCs: health and metrics. */
export type Routes = ReadonlyMap<string, () => Promise<RouteAnswer>>;
