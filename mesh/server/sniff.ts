export type WireProtocol = "http1" | "http2";

/** First bytes of the HTTP/2 connection preface (RFC 9113 §3.4). No HTTP/1.1 method starts so. */
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Tells the protocol from the first bytes of a connection; `undefined` while they could still be either. */
export function sniff(start: Uint8Array): WireProtocol | undefined {
  const length = Math.min(start.length, preface.length);
  if (preface.compare(start, 0, length, 0, length) !== 0) return "http1";
  // All of it, so that whoever never finishes it is still timed here.
  return length === preface.length ? "http2" : undefined;
}
