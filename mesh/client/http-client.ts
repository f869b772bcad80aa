import { Agent } from "node:http";
import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import { constants } from "node:http2";
import { connect } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalClientFn, UniversalClientResponse } from "@connectrpc/connect/protocol";
import { createNodeHttpClient, Http2SessionManager } from "@connectrpc/connect-node";
import { fail } from "../errors.ts";
import { markUnprocessed } from "./unprocessed.ts";

/** Sends requests to one instance. */
export interface HttpWire {
  readonly send: UniversalClientFn;
  /** Ends its connections once the requests that run have ended; there must be no more. */
  leave(): void;
  close(): void;
}

const connectTimeoutMs = 5_000;
/** Finds out about a dead peer before the next call does. */
const pings = { pingIntervalMs: 30_000, pingTimeoutMs: 5_000 };

export function openHttp1(): HttpWire {
  const agent = new Agent({ keepAlive: true });
  return {
    send: createNodeHttpClient({ httpVersion: "1.1", nodeOptions: { agent } }),
    leave: () => {
      agent.maxFreeSockets = 0;
      for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
    },
    close: () => agent.destroy(),
  };
}

/** What became of one request on its way. */
interface Fate {
  /** It found no connection. */
  unsent?: boolean;
  stream?: ClientHttp2Stream;
  session?: ClientHttp2Session;
}

/**
 * HTTP/2, with errors that tell what a caller must know: whether the request
 * may be repeated elsewhere, and whether it was lost or answered.
 */
export function openHttp2(baseUrl: string): HttpWire {
  const sessions = new Http2SessionManager(baseUrl, pings, {
    createConnection: () => connectInTime(new URL(baseUrl)),
  });
  let starting: Fate = {};
  const send = createNodeHttpClient({
    httpVersion: "2",
    // Asked for by each request before it does anything else, which is how we get hold of its stream.
    sessionProvider: () => watched(sessions, starting),
  });
  const running = new Set<Fate>();
  let left = false;
  const over = (fate: Fate) => {
    running.delete(fate);
    if (left && running.size === 0) sessions.abort();
  };
  return {
    async send(request) {
      const fate: Fate = {};
      running.add(fate);
      const { signal } = request;
      // Before the library's own listener, which would call it an error of ours to be late.
      const onAbort = () => {
        if (isLate(signal?.reason)) fate.stream?.close(constants.NGHTTP2_CANCEL);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      starting = fate;
      try {
        const response = await send(request);
        return { ...response, body: withOwnErrors(response.body, fate, signal) };
      } catch (error) {
        throw explained(error, fate, signal);
      } finally {
        // An answer may go on for long, and its reader may leave without a word.
        if (fate.stream && !fate.stream.closed) fate.stream.once("close", () => over(fate));
        else over(fate);
      }
    },
    leave: () => {
      left = true;
      // They may end, but the process need not wait for them.
      for (const { session } of running) session?.unref();
      if (running.size === 0) sessions.abort();
    },
    close: () => sessions.abort(),
  };
}

function watched(sessions: Http2SessionManager, fate: Fate) {
  return {
    authority: sessions.authority,
    notifyResponseByteRead: (stream: ClientHttp2Stream) => sessions.notifyResponseByteRead(stream),
    async request(...asked: Parameters<Http2SessionManager["request"]>): Promise<ClientHttp2Stream> {
      try {
        const stream = await sessions.request(...asked);
        breakOffCleanly(stream);
        fate.stream = stream;
        if (stream.session) fate.session = follow(stream.session as ClientHttp2Session);
        return stream;
      } catch (error) {
        // Anything else is a request that no connection would take.
        fate.unsent = error instanceof ConnectError;
        throw error;
      }
    },
  };
}

/**
 * Node says END_STREAM before it resets a stream, so what is broken off would
 * look whole to its callee: half a file for all of it.
 */
function breakOffCleanly(stream: ClientHttp2Stream): void {
  const close = stream.close.bind(stream);
  stream.close = (code, done) => {
    if (code) stream._final = (end) => end();
    close(code, done);
  };
}

/** The newest stream that the peer of a connection says it has looked at, once it says so (RFC 9113 §6.8). */
const lastLookedAt = new WeakMap<ClientHttp2Session, number>();

function follow(session: ClientHttp2Session): ClientHttp2Session {
  if (!lastLookedAt.has(session)) {
    lastLookedAt.set(session, Number.POSITIVE_INFINITY);
    // The calls on it are told; the library stops listening before a peer that breaks the protocol is done.
    session.on("error", () => {});
    session.on("goaway", (_code, lastStreamId) => lastLookedAt.set(session, lastStreamId));
  }
  return session;
}

/** The peer's word that nothing was done for a request (RFC 9113 §8.7), or that it never got there. */
function neverProcessed({ unsent, stream, session }: Fate): boolean {
  if (!stream || !session) return unsent === true;
  if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) return true;
  return stream.id === undefined || stream.id > (lastLookedAt.get(session) ?? Number.POSITIVE_INFINITY);
}

function explained(error: unknown, fate: Fate, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return error;
  if (neverProcessed(fate)) {
    const refused = fail.unavailable("not_processed", `the callee did not take the call: ${textOf(error)}`, {
      cause: error,
    });
    markUnprocessed(refused);
    return refused;
  }
  // The library calls a connection that breaks an error of ours, or says that we cancelled.
  if (fate.session?.destroyed && !isReset(error)) {
    return fail.unavailable("connection_lost", "the connection broke before the answer was whole", {
      cause: error,
    });
  }
  return error;
}

/** The peer ended this one stream, whatever became of the connection. */
const isReset = (error: unknown) =>
  error instanceof ConnectError &&
  error.cause instanceof Error &&
  "code" in error.cause &&
  error.cause.code === "ERR_HTTP2_STREAM_ERROR";

function withOwnErrors(
  body: UniversalClientResponse["body"],
  fate: Fate,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = body[Symbol.asyncIterator]();
      return {
        next: () => iterator.next().catch((error: unknown) => Promise.reject(explained(error, fate, signal))),
        throw: (error: unknown) => iterator.throw?.(error) ?? Promise.reject(error),
      };
    },
  };
}

/** A peer that drops our packets would otherwise hold a call for as long as the kernel tries. */
function connectInTime({ hostname, port }: URL) {
  const host = hostname.replace(/^\[|\]$/g, "");
  const socket = connect({ host, port: Number(port) || 80, noDelay: true });
  const timer = setTimeout(() => {
    const why = `no connection to ${host}:${port} within ${connectTimeoutMs} ms`;
    socket.destroy(Object.assign(new Error(why), { code: "ETIMEDOUT", syscall: "connect" }));
  }, connectTimeoutMs);
  const decided = () => clearTimeout(timer);
  return socket.once("connect", decided).once("close", decided);
}

const isLate = (reason: unknown) => reason instanceof ConnectError && reason.code === Code.DeadlineExceeded;
const textOf = (error: unknown) =>
  error instanceof ConnectError ? error.rawMessage : error instanceof Error ? error.message : String(error);
