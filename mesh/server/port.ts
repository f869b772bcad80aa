import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createHeld } from "../bounds/held.ts";
import type { ServerLimits } from "../bounds/limits.ts";
import { serverLimits } from "../bounds/limits.ts";
import { createShare } from "../bounds/share.ts";
import { createStallGuard } from "../bounds/stall-guard.ts";
import { fail } from "../errors.ts";
import { createExpressServer } from "../express/server.ts";
import type { Logger } from "../log/logger.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { createAdapter } from "./adapter.ts";
import type { Front } from "./front.ts";
import { createHttp1 } from "./http1.ts";
import { createHttp2 } from "./http2.ts";
import type { Routes } from "./node.ts";
import type { WireProtocol } from "./sniff.ts";
import { sniff } from "./sniff.ts";

export interface Port {
  readonly port: number;
  /** Connections that are open now. */
  connections(): number;
  /** Takes no new connections and lets what runs finish; cuts what has not by then. */
  drain(graceMs: number): Promise<void>;
}

export interface PortOptions {
  /** Address to bind. */
  host: string;
  /** 0 for any that is free. */
  port: number;
  /** What is answered beside `routes`. */
  rpc: Rpc;
  routes: Routes;
  /** Answers the rest, `routes` included. Default: nobody. */
  front?: Front | undefined;
  log: Logger;
  limits?: ServerLimits;
}

/**
 * One port that speaks everything: the first bytes of a connection tell HTTP/2
 * (gRPC, Connect) from HTTP/1.1 (Connect, gRPC-Web, health, metrics) and from the
 * express lane.
 */
export async function openPort(options: PortOptions): Promise<Port> {
  const { host, port, rpc, routes, front, log, limits = serverLimits } = options;
  const stallGuard = createStallGuard(limits.stalledReadMs);
  const held = createHeld(limits.heldBytes);
  const calls = createShare({ total: limits.calls, each: limits.callsPerAddress });
  const { handlers } = rpc;
  const listener = createAdapter({ handlers, routes, limits, stallGuard, calls, held, log, front });
  const http1 = createHttp1(limits, log, listener);
  const http2 = createHttp2(limits, log, listener);
  const express = createExpressServer({ rpc, limits, calls, held, stallGuard, log });
  const sockets = new Set<Socket>();
  const undecided = new Set<Socket>();

  const places = createShare({ total: limits.connections, each: limits.connectionsPerAddress });
  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (socket) => {
    const giveBack = places.take(socket.remoteAddress ?? "");
    if (!giveBack) {
      socket.destroy();
      return;
    }
    socket.once("close", giveBack);
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", (error) => log.debug({ err: error }, "socket error"));
    undecided.add(socket);
    const decided = () => undecided.delete(socket);
    route(socket, limits.headersMs, { http1, http2, express }, decided);
  });
  server.maxConnections = limits.connections;

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(cannotListen(host, port, error)));
    server.listen({ host, port, backlog: 1024 }, resolve);
  });
  server.on("error", (error) => log.error({ err: error }, "port error"));

  return {
    port: (server.address() as AddressInfo).port,
    connections: () => sockets.size,
    async drain(graceMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of undecided) socket.destroy();
      http1.drain();
      http2.drain();
      express.drain();
      const cut = new AbortController();
      const outlasted = await Promise.race([
        closed.then(() => false),
        sleep(graceMs, true, { signal: cut.signal }).catch(() => false),
      ]);
      cut.abort();
      if (outlasted)
        log.warn({ connections: sockets.size }, "connections cut: they outlasted the grace period");
      for (const socket of sockets) socket.destroy();
      await closed;
      for (const part of [http1, http2, express, stallGuard]) part.stop();
    },
  };
}

type Servers = Record<WireProtocol, { take(socket: Socket): void }>;

function route(socket: Socket, headersMs: number, servers: Servers, decided: () => void): void {
  const timer = setTimeout(() => socket.destroy(), headersMs);
  let start: Buffer = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    start = start.length === 0 ? chunk : Buffer.concat([start, chunk]);
    const protocol = sniff(start);
    if (!protocol) return;
    stop();
    socket.pause();
    socket.unshift(start);
    servers[protocol].take(socket);
  };
  const onEnd = () => socket.destroy();
  const stop = () => {
    clearTimeout(timer);
    socket.off("data", onData);
    socket.off("end", onEnd);
    decided();
  };
  socket.on("data", onData);
  socket.once("end", onEnd);
  socket.once("close", stop);
}

function cannotListen(host: string, port: number, cause: NodeJS.ErrnoException): Error {
  const where = `${host}:${port}`;
  if (cause.code === "EADDRINUSE") {
    return fail.precondition("port_taken", `port ${where} is taken by another process`, {
      remedy: "stop that process or choose another port in the environment",
      cause,
    });
  }
  return fail.precondition("cannot_listen", `cannot listen on ${where}: ${cause.message}`, { cause });
}
