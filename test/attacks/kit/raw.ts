import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { within } from "./until.ts";

/** A connection over which anything may be sent. */
export interface Raw extends Disposable {
  readonly socket: Socket;
  /** Sends, and waits while the peer does not read; false once the connection is gone. */
  send(bytes: Buffer | string): Promise<boolean>;
  /** All that came back so far. */
  received(): string;
  isClosed(): boolean;
  /** Waits until the peer ends the connection. */
  closed(withinMs?: number): Promise<void>;
}

export interface RawOptions {
  /** Never empties the receive buffer. */
  reads?: boolean;
  onData?: (chunk: Buffer) => void;
}

/** Of what came back, only this much is kept. */
const keptBytes = 64 * 1024;

export async function openRaw(port: number, { reads = true, onData }: RawOptions = {}): Promise<Raw> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  let received = "";
  let isClosed = false;
  socket.on("error", () => {});
  const gone = new Promise<void>((resolve) => {
    const end = () => {
      isClosed = true;
      resolve();
    };
    socket.once("end", end);
    socket.once("close", end);
  });
  await once(socket, "connect");
  if (reads) {
    socket.on("data", (chunk) => {
      if (received.length < keptBytes) received += chunk.toString("latin1");
      onData?.(chunk);
    });
  }
  return {
    socket,
    send: async (bytes) => {
      if (isClosed || socket.destroyed || !socket.writable) return false;
      if (!socket.write(bytes)) {
        await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), gone]);
      }
      return !isClosed;
    },
    received: () => received,
    isClosed: () => isClosed,
    closed: (ms = 20_000) => within(ms, "the connection is closed", gone),
    [Symbol.dispose]: () => socket.destroy(),
  };
}
