import type { IncomingMessage } from "node:http";
import { constants } from "node:http2";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { inEnvelopes, inPieces } from "../bounds/gather.ts";
import type { Hold } from "../bounds/held.ts";
import type { ServerLimits } from "../bounds/limits.ts";
import type { NodeServerRequest, NodeServerResponse } from "./node.ts";

/** Whether requests of a method may come in for as long as they like. */
export const lastsLong = ({ method }: UniversalHandler) =>
  method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming";

/** The body of a request, as handlers read it: counted, and in pieces that are cheap to parse. */
export function readBody(
  request: NodeServerRequest,
  handler: UniversalHandler,
  { messageBytes }: ServerLimits,
  hold: Hold,
): AsyncIterable<Uint8Array> {
  // Whoever stops reading in the middle still wants to answer: by default that would end the connection.
  const chunks: AsyncIterable<Uint8Array> = (request as IncomingMessage).iterator({ destroyOnReturn: false });
  const counted = takenAsRead(chunks, hold);
  // The message of a single call is held until it is answered; those of a stream come and go.
  return lastsLong(handler) ? givenWhenUsed(inEnvelopes(counted, messageBytes), hold) : inPieces(counted);
}

/** An answer is held until its reader has it. */
export const holdAnswer = (body: AsyncIterable<Uint8Array>, hold: Hold) =>
  givenWhenUsed(takenAsRead(body, hold), hold);

async function* takenAsRead(chunks: AsyncIterable<Uint8Array>, hold: Hold): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    hold.take(chunk.length);
    yield chunk;
  }
}

async function* givenWhenUsed(chunks: AsyncIterable<Uint8Array>, hold: Hold): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    hold.give(chunk.length);
  }
}

/**
 * Waits until a request that nobody reads on has been sent, but not for long.
 * On HTTP/1.1, an answer before that may be lost with the connection, which ends
 * behind it (RFC 9112 §9.6). On HTTP/2, some clients stop sending in the middle
 * of what they announced once an answer comes, which is an error that overtakes
 * the end of the answer (RFC 9113 §8.1.1). There the caller must say that the
 * request `endsAlone`: a stream of messages may end only when it is answered.
 */
export async function sentWhole(
  request: NodeServerRequest,
  lingerMs: number,
  endsAlone = false,
): Promise<void> {
  if ("stream" in request && !endsAlone) return;
  if (request.complete || request.readableEnded || request.destroyed) return;
  // An iterator that was left in the middle still listens, and a stream that is listened to does not flow.
  request.removeAllListeners("readable");
  request.resume();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, lingerMs);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    request.once("end", done);
    request.once("close", done);
  });
}

/**
 * Ends a request whose body does not end. Deadlines do not help here: they are
 * the client's to set, and are over once the call is answered.
 */
export function limitBody(
  request: NodeServerRequest,
  response: NodeServerResponse,
  { limitMs, lingerMs }: { limitMs: number | undefined; lingerMs: number },
): void {
  if (!hasBody(request)) return;
  let timer = limitMs === undefined ? undefined : setTimeout(() => cutRequest(request), limitMs);
  const clear = () => clearTimeout(timer);
  request.once("end", clear);
  request.once("close", clear);
  // Node tells of an HTTP/2 response only when its stream is closed from both sides.
  const answer = "stream" in request ? request.stream : response;
  answer.once("finish", () => {
    clear();
    if (request.complete || request.destroyed) return;
    request.resume();
    timer = setTimeout(() => cutRequest(request, constants.NGHTTP2_NO_ERROR), lingerMs);
  });
}

/** RFC 9112 §6.3: a request has a body when it says how that ends; over HTTP/2 its stream tells. */
export function hasBody(request: NodeServerRequest): boolean {
  const { headers } = request;
  const length = headers["content-length"];
  if (length !== undefined) return length !== "0";
  return "stream" in request ? !request.stream.endAfterHeaders : headers["transfer-encoding"] !== undefined;
}

/** Ends one request: its stream, where there are streams. */
export function cutRequest(
  request: NodeServerRequest,
  code: number = constants.NGHTTP2_ENHANCE_YOUR_CALM,
): void {
  if ("stream" in request) request.stream.close(code);
  else request.socket.destroy();
}
