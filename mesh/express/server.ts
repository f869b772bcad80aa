import type { Socket } from "node:net";
import type { Held } from "../bounds/held.ts";
import type { ServerLimits } from "../bounds/limits.ts";
import type { Share } from "../bounds/share.ts";
import type { StallGuard } from "../bounds/stall-guard.ts";
import type { Logger } from "../log/logger.ts";
import type { AnsweredMethod } from "../rpc/method.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { preface } from "./frame.ts";
import { ServerConnection } from "./server-connection.ts";

export interface ExpressServerOptions {
  rpc: Rpc;
  limits: ServerLimits;
  calls: Share;
  held: Held;
  stallGuard: StallGuard;
  log: Logger;
}

export interface ExpressServer {
  /** Takes over a connection that began with the preface; it is paused, with its first bytes still to be read. */
  take(socket: Socket): void;
  /** Lets what runs finish, and takes no further calls. */
  drain(): void;
  /** Ends what this does beside its connections. */
  stop(): void;
}

/** Serves the express lane on connections that somebody else accepts. */
export function createExpressServer(options: ExpressServerOptions): ExpressServer {
  const { rpc, limits, calls, held, stallGuard, log } = options;
  const connections = new Set<ServerConnection>();
  const paths = unaryPaths(rpc);
  let draining = false;

  const sweep = setInterval(
    () => {
      const now = performance.now();
      for (const connection of connections) judge(connection, now, limits);
    },
    Math.min(1000, limits.headersMs / 4),
  );
  sweep.unref();

  return {
    take(socket: Socket) {
      if (socket.read(preface.length) === null) {
        socket.destroy();
        return;
      }
      socket.write(preface);
      const connection = new ServerConnection({ socket, rpc, paths, calls, held, limits, log });
      connections.add(connection);
      const outgoing = stallGuard.watch({
        pending: () => socket.writableLength,
        socket,
        abort: () => connection.cut("answers lie unread"),
      });
      socket.once("close", () => {
        connections.delete(connection);
        outgoing.done();
      });
      socket.resume();
      if (draining) connection.leave();
    },
    drain() {
      draining = true;
      for (const connection of connections) connection.leave();
    },
    stop: () => clearInterval(sweep),
  };
}

function unaryPaths({ methods }: Rpc): ReadonlyMap<string, AnsweredMethod> {
  const unary = [...methods.values()].filter(({ desc }) => desc.methodKind === "unary");
  return new Map(unary.map((method) => [`/${method.name}`, method]));
}

function judge(connection: ServerConnection, now: number, limits: ServerLimits): void {
  const { unfinishedSinceMs, lastCallMs, inFlight, away } = connection;
  if (unfinishedSinceMs !== undefined && now - unfinishedSinceMs > limits.bodyMs) {
    connection.cut("a frame did not end");
  } else if (inFlight === 0 && now - lastCallMs > (away ? limits.lingerMs : limits.idleMs)) {
    if (away) connection.cut("it was not closed in time");
    else connection.leave();
  }
}
