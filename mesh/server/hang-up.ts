import type { Socket } from "node:net";

/** How long a peer has to take what is on its way before its connection is cut. */
const graceMs = 1000;

/**
 * Ends a connection, and sees that it ends: a peer that neither reads nor
 * closes its side would keep the socket for ever.
 */
export function hangUp(socket: Socket, lastWords?: string): void {
  const timer = setTimeout(() => socket.destroy(), graceMs);
  socket.once("close", () => clearTimeout(timer));
  if (lastWords === undefined) socket.end();
  else socket.end(lastWords);
}
