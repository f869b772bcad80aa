import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { natsBinary } from "../../embedded/nats/binary.ts";
import { freePort } from "./free-port.ts";

/** A NATS server for one test alone, to be taken away and given back. */
export interface NatsServer {
  readonly url: string;
  /** Ends it as a power cut would. */
  crash(): Promise<void>;
  /** Starts it again on the same port; with `empty`, without what it had stored. */
  restart(options?: { empty?: boolean }): Promise<void>;
  stop(): Promise<void>;
}

export async function startNatsServer(...options: readonly string[]): Promise<NatsServer> {
  const port = await freePort();
  const binary = await natsBinary(join(import.meta.dirname, "../../.weft/cache"), () => {});
  const folder = await mkdtemp(join(tmpdir(), "weft-nats-"));
  let child: ChildProcess | undefined;
  const start = async () => {
    const args = ["-a", "127.0.0.1", "-p", `${port}`, "-js", "-sd", folder, ...options];
    child = spawn(binary, args, { stdio: ["ignore", "ignore", "pipe"] });
    await ready(child);
  };
  const crash = async () => {
    const dying = child;
    child = undefined;
    if (!dying || dying.exitCode !== null) return;
    const gone = new Promise((resolve) => dying.once("exit", resolve));
    dying.kill("SIGKILL");
    await gone;
  };
  await start();
  return {
    url: `nats://127.0.0.1:${port}`,
    crash,
    restart: async ({ empty = false } = {}) => {
      if (empty) await rm(folder, { recursive: true });
      await start();
    },
    stop: async () => {
      await crash();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Its log goes to standard error. */
function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes("Server is ready")) resolve();
    });
    child.once("exit", () => reject(new Error(`nats-server did not start: ${log}`)));
  });
}
