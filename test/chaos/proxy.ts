import type { Server, Socket } from "node:net";
import { connect, createServer } from "node:net";
import type { Direction } from "./plan.ts";

/** A way from one process to one server, that can be treated badly. */
export interface Way {
  readonly port: number;
  /** Breaks all connections; new ones are let through. */
  cut(): void;
  /** Lets half of the next piece through, and nothing more until it is healed. */
  stall(direction: Direction): void;
  /** Breaks all connections and lets no new one come. */
  refuse(): Promise<void>;
  /** Ends all that was done to it. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

type Side = "up" | "down";

interface Line {
  readonly client: Socket;
  readonly server: Socket;
  /** What was held back by a stall. */
  readonly rest: Record<Side, Buffer[]>;
}

const host = "127.0.0.1";

export async function openProxy(port: number, upstream: number): Promise<Way> {
  const lines = new Set<Line>();
  const stalled = new Set<Side>();
  let listener: Server | undefined;

  const pass = (line: Line, way: Side, chunk: Buffer) => {
    const [from, to] = way === "up" ? [line.client, line.server] : [line.server, line.client];
    if (stalled.has(way)) {
      const half = line.rest[way].length > 0 ? 0 : Math.floor(chunk.length / 2);
      to.write(chunk.subarray(0, half));
      line.rest[way].push(chunk.subarray(half));
      from.pause();
      return;
    }
    if (to.write(chunk)) return;
    from.pause();
    to.once("drain", () => from.resume());
  };

  const accept = (client: Socket) => {
    const server = connect(upstream, host);
    const line: Line = { client, server, rest: { up: [], down: [] } };
    lines.add(line);
    const end = () => {
      lines.delete(line);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.setNoDelay().on("error", end).on("close", end);
    client.on("data", (chunk) => pass(line, "up", chunk));
    server.on("data", (chunk) => pass(line, "down", chunk));
  };

  const listen = () =>
    new Promise<void>((resolve, reject) => {
      listener = createServer(accept);
      listener.once("error", reject);
      listener.listen({ port, host, exclusive: true }, () => resolve());
    });

  const cut = () => {
    for (const { client, server } of lines) {
      // One that is just ending would never be closed by a reset, and the process could not exit.
      if (client.readyState === "open" && !client.writableEnded) client.resetAndDestroy();
      else client.destroy();
      server.destroy();
    }
    lines.clear();
  };

  const deaf = async () => {
    const closing = listener;
    listener = undefined;
    const closed = closing && new Promise<void>((resolve) => closing.close(() => resolve()));
    cut();
    await closed;
  };

  const release = (line: Line, way: Side) => {
    const [from, to] = way === "up" ? [line.client, line.server] : [line.server, line.client];
    for (const chunk of line.rest[way].splice(0)) to.write(chunk);
    from.resume();
  };

  await listen();
  return {
    port,
    cut,
    stall(direction) {
      for (const way of direction === "both" ? (["up", "down"] as const) : [direction]) stalled.add(way);
    },
    refuse: deaf,
    async heal() {
      const ways = [...stalled];
      stalled.clear();
      for (const line of lines) for (const way of ways) release(line, way);
      if (!listener) await listen();
    },
    close: deaf,
  };
}
