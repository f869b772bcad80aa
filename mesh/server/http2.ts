import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from "node:http2";
import { constants, createServer } from "node:http2";
import type { Socket } from "node:net";
import type { ServerLimits } from "../bounds/limits.ts";
import type { Logger } from "../log/logger.ts";
import { hangUp } from "./hang-up.ts";
import type { SubServer } from "./http1.ts";
import type { SessionGuard } from "./session-guard.ts";
import { createSessionGuard } from "./session-guard.ts";

interface Peer {
  readonly session: ServerHttp2Session;
  readonly socket: Socket;
  readonly guard: SessionGuard;
  /** Its connection is being ended. */
  ending: boolean;
}

/** Serves HTTP/2 without TLS (h2c with prior knowledge) on connections that somebody else accepts. */
export function createHttp2(
  limits: ServerLimits,
  log: Logger,
  listener: (request: Http2ServerRequest, response: Http2ServerResponse) => void,
): SubServer {
  const peers = new Set<Peer>();
  const server = createServer(
    {
      settings: {
        maxConcurrentStreams: limits.streamsPerConnection,
        maxHeaderListSize: limits.headerBytes,
        initialWindowSize: 1024 * 1024,
        enablePush: false,
      },
      maxHeaderListPairs: limits.headerFields,
      // Beyond it new streams are refused. Node's own 10 MB would be three large answers.
      maxSessionMemory: Math.ceil(limits.connectionBytes / 1e6),
      // Consecutive ones: a client that learns our settings late is forgiven.
      maxSessionRejectedStreams: limits.streamsPerConnection * 2,
      maxSessionInvalidFrames: 50,
      maxSettings: 16,
      // nghttp2's own bucket, for resets that never become a stream of ours.
      streamResetBurst: limits.resetsPerTenSeconds,
      streamResetRate: Math.ceil(limits.resetsPerTenSeconds / 10),
    },
    listener,
  );
  server.on("sessionError", (error) => log.debug({ err: error }, "http2 session error"));

  const welcome = (session: ServerHttp2Session, socket: Socket) => {
    const peer: Peer = { session, socket, guard: createSessionGuard(limits), ending: false };
    peers.add(peer);
    socketOf.set(session, socket);
    session.once("close", () => peers.delete(peer));
    watch(peer, log);
  };
  const sweep = setInterval(
    () => {
      for (const peer of peers) judge(peer, limits, log);
    },
    Math.min(1000, limits.headersMs / 4),
  );
  sweep.unref();

  return {
    take: (socket) => {
      // Nobody sends HTTP/2 into a connection whose other half is closed.
      socket.allowHalfOpen = false;
      server.once("session", (session) => welcome(session, socket));
      // Not resumed: the session takes the first bytes from the socket's buffer itself.
      server.emit("connection", socket);
    },
    drain: () => {
      // GOAWAY names the last stream that was taken on: a client may safely send what came later
      // elsewhere. (To announce it first, as RFC 9113 §6.8 proposes, is not in Node's power: nghttp2
      // ignores new streams once it has sent any GOAWAY.)
      for (const { session } of peers) session.close();
    },
    stop: () => clearInterval(sweep),
  };
}

const socketOf = new WeakMap<ServerHttp2Session, Socket>();

/** Ends a connection at once and tells the peer that it is to blame (RFC 9113 §7). */
export function cutSession(session: ServerHttp2Session, why: string): void {
  if (session.destroyed) return;
  // With an error, or else Node says NO_ERROR whatever the code.
  session.destroy(new Error(why), constants.NGHTTP2_ENHANCE_YOUR_CALM);
  // Node waits until the peer has read all, which it may never do.
  const socket = socketOf.get(session);
  if (socket) hangUp(socket);
}

/**
 * Ends a connection whose streams keep ending in errors. That is how both a
 * client that opens and resets streams looks and one that makes us reset them
 * (CVE-2023-44487, CVE-2025-8671); either way handlers start for nobody.
 */
function watch({ session, guard }: Peer, log: Logger): void {
  const cut = (why: string) => {
    if (session.destroyed) return;
    log.warn({ peer: session.socket?.remoteAddress, why }, "connection cut");
    cutSession(session, why);
  };
  const onControl = () => {
    if (!guard.control()) cut("too many PING or SETTINGS frames");
  };
  session.on("error", (error) => log.debug({ err: error }, "http2 session error"));
  session.once("remoteSettings", () => guard.greeted());
  session.on("remoteSettings", onControl);
  session.on("ping", onControl);
  session.on("stream", (stream) => {
    guard.opened(stream.id ?? 0);
    stream.on("error", () => {});
    stream.once("close", () => {
      if (!guard.ended(stream.rstCode !== constants.NGHTTP2_NO_ERROR)) cut("too many reset streams");
    });
  });
}

function judge(peer: Peer, limits: ServerLimits, log: Logger): void {
  const { session, socket, guard } = peer;
  if (session.closed || session.destroyed) {
    // Closed by us, and the peer does not close its side.
    if (guard.open === 0 && !peer.ending) {
      peer.ending = true;
      hangUp(socket);
    }
    return;
  }
  const why = guard.verdict(session.state.lastProcStreamID ?? 0);
  if (why === undefined) return;
  log.info({ peer: socket.remoteAddress, why }, "connection closed");
  // What runs on it may finish, for as long as a request may take.
  session.close();
  const timer = setTimeout(() => cutSession(session, why), limits.bodyMs);
  session.once("close", () => clearTimeout(timer));
}
