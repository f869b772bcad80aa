import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Credentials } from "../credentials.ts";

export interface NatsProbe {
  serverName: string;
  port: number;
  credentials: Credentials;
}

/** Waits until our server, with JetStream on, has let us in; returns its version. */
export async function probeNats(probe: NatsProbe, signal: AbortSignal): Promise<string> {
  while (!signal.aborted) {
    const version = await greet(probe).catch(() => undefined);
    if (version !== undefined) return version;
    await sleep(20);
  }
  throw signal.reason;
}

const greetingTimeoutMs = 2000;

/** The first lines of the NATS protocol: INFO from it, CONNECT and PING from us, PONG from it. */
function greet({ serverName, port, credentials }: NatsProbe): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let version: string | undefined;
    let received = "";
    const fail = (why: string) => {
      socket.destroy();
      reject(new Error(why));
    };
    socket.setTimeout(greetingTimeoutMs, () => fail("it did not answer"));
    socket.on("error", (error) => fail(error.message));
    socket.on("close", () => fail("it hung up"));
    socket.on("data", (bytes) => {
      received += bytes;
      if (version === undefined && received.includes("\r\n")) {
        version = ourVersion(received, serverName);
        if (version === undefined) return fail("another server answered");
        const { user, password: pass } = credentials;
        socket.write(
          `CONNECT ${JSON.stringify({ user, pass, verbose: false, pedantic: false })}\r\nPING\r\n`,
        );
      }
      if (version !== undefined && received.includes("\r\nPONG\r\n")) {
        resolve(version);
        socket.destroy();
      }
    });
  });
}

function ourVersion(greeting: string, serverName: string): string | undefined {
  const info: unknown = JSON.parse(/^INFO (\{.*\})/.exec(greeting)?.[1] ?? "null");
  if (typeof info !== "object" || info === null) return undefined;
  if (!("server_name" in info) || info.server_name !== serverName) return undefined;
  if (!("jetstream" in info) || info.jetstream !== true) return undefined;
  return "version" in info ? String(info.version) : undefined;
}
