import { createServer } from "node:net";

const host = "127.0.0.1";

/** Can this loopback port be bound right now? */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A loopback port nobody holds. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ port: 0, host, exclusive: true }, () => {
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/**
 * Keeps others off a port until released: another checkout looking for a free
 * one, or a client whose own end of a connection the kernel would put there.
 * Whoever connects meanwhile is reset, as by a server that is just going.
 */
export function holdPort(port: number): Promise<() => Promise<void>> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.on("error", () => {}).resetAndDestroy());
    const release = () => new Promise<void>((released) => server.close(() => released()));
    // Taken already: then the server will say so itself when it starts.
    server.once("error", () => resolve(async () => {}));
    server.listen({ port, host, exclusive: true }, () => resolve(release));
  });
}

/**
 * The first free one of `wanted`, then of the nine after the last of them, so
 * that several checkouts get ports a person can guess; else any.
 */
export async function choosePort(wanted: readonly number[]): Promise<number> {
  const usual = wanted.at(-1);
  const neighbours = usual === undefined ? [] : Array.from({ length: 9 }, (_, i) => usual + 1 + i);
  for (const port of [...wanted, ...neighbours]) {
    if (await isFree(port)) return port;
  }
  return freePort();
}
