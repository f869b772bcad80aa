import type {
  Http2ServerRequest,
  Http2ServerResponse,
  ServerHttp2Session,
  ServerHttp2Stream,
} from "node:http2";
import { constants, createServer } from "node:http2";
import type { Logger } from "../log/logger.ts";
import type { SubServer } from "./http1.ts";
import type { ServerLimits } from "./limits.ts";

/** Serves HTTP/2 without TLS (h2c with prior knowledge) on connections that somebody else accepts. */
export function createHttp2(
  limits: ServerLimits,
  log: Logger,
  listener: (request: Http2ServerRequest, response: Http2ServerResponse) => void,
): SubServer {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer(
    {
      settings: {
        maxConcurrentStreams: limits.streamsPerConnection,
        maxHeaderListSize: limits.headerBytes,
        initialWindowSize: 1024 * 1024,
        enablePush: false,
      },
      maxHeaderListPairs: limits.headerFields,
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
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    session.setTimeout(limits.idleMs, () => session.close());
    session.on("error", (error) => log.debug({ err: error }, "http2 session error"));
    guardResets(session, limits.resetsPerTenSeconds, log);
  });
  server.on("sessionError", (error) => log.debug({ err: error }, "http2 session error"));
  return {
    take: (socket) => server.emit("connection", socket),
    drain: () => {
      for (const session of sessions) session.close();
    },
  };
}

/**
 * Ends a connection whose streams keep ending in errors. That is how both a
 * client that opens and resets streams looks and one that makes us reset them;
 * either way handlers start for nobody.
 */
function guardResets(session: ServerHttp2Session, perTenSeconds: number, log: Logger): void {
  let windowStart = Date.now();
  let resets = 0;
  session.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    stream.once("close", () => {
      if (stream.rstCode === constants.NGHTTP2_NO_ERROR) return;
      const now = Date.now();
      if (now - windowStart > 10_000) {
        windowStart = now;
        resets = 0;
      }
      if (++resets > perTenSeconds && !session.destroyed) {
        log.warn(
          { peer: session.socket?.remoteAddress, resets },
          "connection closed: too many reset streams",
        );
        session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
      }
    });
  });
}
