import type { RequestListener, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import type { ServerLimits } from "../bounds/limits.ts";
import type { Logger } from "../log/logger.ts";
import { hangUp } from "./hang-up.ts";

export interface SubServer {
  /** Takes over a connection whose protocol is known; it is paused, with its first bytes still to be read. */
  take(socket: Socket): void;
  /** Lets what runs finish and closes what is idle. */
  drain(): void;
  /** Ends what this does beside its connections. */
  stop(): void;
}

/** So long an idle connection may still bring a request when no more are wanted. It is answered, and the last. */
const lastRequestsMs = 150;

/** Serves HTTP/1.1 on connections that somebody else accepts. */
export function createHttp1(limits: ServerLimits, log: Logger, listener: RequestListener): SubServer {
  const inFlight = new Map<Socket, ServerResponse[]>();
  let draining = false;
  /** A short list, and the same one for as long as the connection: sets that come and go are much garbage. */
  const newcomer = (socket: Socket) => {
    const open: ServerResponse[] = [];
    inFlight.set(socket, open);
    socket.once("close", () => inFlight.delete(socket));
    return open;
  };
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersMs,
      // Bodies are timed per method by the adapter: a client stream may last.
      requestTimeout: 0,
      keepAliveTimeout: limits.idleMs,
      connectionsCheckingInterval: Math.min(1000, limits.headersMs / 4),
      noDelay: true,
      // Spares requests without a body the stream for one.
      optimizeEmptyRequests: true,
    },
    (request, response) => {
      const { socket } = request;
      const open = inFlight.get(socket) ?? newcomer(socket);
      if (open.length >= limits.pipelinedRequests) {
        socket.destroy();
        return;
      }
      open.push(response);
      response.once("close", () => {
        open.splice(open.indexOf(response), 1);
        if (open.length === 0 && draining) hangUp(socket);
      });
      if (draining) response.shouldKeepAlive = false;
      listener(request, response);
    },
  );
  // One more, by which the adapter sees that there were too many.
  server.maxHeadersCount = limits.headerFields + 1;
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    const { code } = error;
    if (!socket.writable || code === "ECONNRESET") {
      socket.destroy();
      return;
    }
    log.info({ peer: socket.remoteAddress, reason: code, error: error.message }, "bad request");
    const status = statusOf[code ?? ""] ?? "400 Bad Request";
    // Behind an answer that is under way, a second one would be taken for its body.
    if (inFlight.get(socket)?.length) socket.destroy();
    else hangUp(socket, `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  });
  // This server never listens itself, but its header timer only starts with this event.
  server.emit("listening");
  return {
    take: (socket) => {
      server.emit("connection", socket);
      socket.resume();
    },
    drain: () => {
      draining = true;
      for (const responses of inFlight.values()) {
        for (const response of responses) response.shouldKeepAlive = false;
      }
      // One that is idle here may have a request on its way, which would be lost (RFC 9112 §9.6).
      setTimeout(() => server.closeIdleConnections(), lastRequestsMs).unref();
    },
    stop: () => void server.close(),
  };
}

const statusOf: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};
