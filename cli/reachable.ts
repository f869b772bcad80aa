import { connect } from "node:net";

/** What a server says unasked, or what it is to be asked that needs no password. */
const greetings: Readonly<Record<string, Uint8Array>> = {
  // NATS sends an INFO line to whoever connects.
  nats: new Uint8Array(),
  // PostgreSQL answers an SSLRequest with one byte, and does not take it amiss when that is all.
  postgres: Uint8Array.of(0, 0, 0, 8, 4, 210, 22, 47),
};

/**
 * Does this server on a port of this machine answer? That its port takes
 * connections says little: the kernel does that for one that is frozen, too.
 */
export function answers(server: string, port: number, timeoutMs = 2000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const over = (answered: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answered);
    };
    const timer = setTimeout(over, timeoutMs, false);
    const greeting = greetings[server];
    socket.once("connect", () => {
      if (!greeting) over(true);
      else if (greeting.length > 0) socket.write(greeting);
    });
    socket.once("data", () => over(true));
    socket.once("close", () => over(false));
    socket.once("error", () => over(false));
  });
}
