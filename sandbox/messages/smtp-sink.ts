import type { AddressInfo, Server, Socket } from "node:net";
import { createServer } from "node:net";
import type { Judge } from "./smtp-session.ts";
import { createSmtpSession } from "./smtp-session.ts";

export interface SmtpSink {
  readonly port: number;
  close(): Promise<void>;
}

const mostConnections = 100;
const idleMs = 5 * 60_000;
const name = "sandbox";

/** A mail server on the loopback interface that takes letters to nobody. */
export async function listenSmtp(port: number, judge: Judge): Promise<SmtpSink> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // Whoever hangs up has nothing more to say.
    socket.on("error", () => socket.destroy());
    socket.setTimeout(idleMs, () => socket.end("421 4.4.2 nothing was said for long\r\n"));
    const session = createSmtpSession(name, judge);
    socket.on("data", (chunk: Buffer) => {
      const { answer, over } = session.take(chunk);
      if (over) socket.end(answer);
      else if (answer !== "") socket.write(answer);
    });
    socket.write(`220 ${name} ESMTP\r\n`);
  });
  server.maxConnections = mostConnections;
  await new Promise<void>((done, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", done);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise<void>((done) => server.close(() => done()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
