import { preface as express } from "../express/frame.ts";

export type WireProtocol = "http1" | "http2" | "express";

/** First bytes of the HTTP/2 connection preface (RFC 9113 §3.4). No HTTP/1.1 method starts so. */
const http2 = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Tells the protocol from the first bytes of a connection; `undefined` while they could still be several. */
export function sniff(start: Uint8Array): WireProtocol | undefined {
  // All of a preface, so that whoever never finishes it is still timed here.
  if (begins(start, http2)) return start.length >= http2.length ? "http2" : undefined;
  if (begins(start, express)) return start.length >= express.length ? "express" : undefined;
  return "http1";
}

function begins(start: Uint8Array, preface: Buffer): boolean {
  const length = Math.min(start.length, preface.length);
  return preface.compare(start, 0, length, 0, length) === 0;
}
