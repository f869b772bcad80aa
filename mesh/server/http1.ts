import type { RequestListener } from "node:http";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import type { ServerLimits } from "./limits.ts";

export interface SubServer {
  /** Takes over a connection whose protocol is known. */
  take(socket: Socket): void;
  /** Lets what runs finish and closes what is idle. */
  drain(): void;
}

/** Serves HTTP/1.1 on connections that somebody else accepts. */
export function createHttp1(limits: ServerLimits, listener: RequestListener): SubServer {
  const inFlight = new WeakMap<Socket, number>();
  let draining = false;
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersMs,
      // Bodies are timed per method by the adapter: a client stream may last.
      requestTimeout: 0,
      keepAliveTimeout: limits.idleMs,
      connectionsCheckingInterval: 1000,
      noDelay: true,
    },
    (request, response) => {
      const { socket } = request;
      const open = (inFlight.get(socket) ?? 0) + 1;
      if (open > limits.pipelinedRequests) {
        socket.destroy();
        return;
      }
      inFlight.set(socket, open);
      response.once("close", () => inFlight.set(socket, (inFlight.get(socket) ?? 1) - 1));
      if (draining) response.shouldKeepAlive = false;
      listener(request, response);
    },
  );
  server.maxHeadersCount = limits.headerFields;
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable) return;
    const status = statusOf[error.code ?? ""] ?? "400 Bad Request";
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  });
  // This server never listens itself, but its header timer only starts with this event.
  server.emit("listening");
  return {
    take: (socket) => server.emit("connection", socket),
    drain: () => {
      draining = true;
      server.closeIdleConnections();
    },
  };
}

const statusOf: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};
