import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { SmallPlatform } from "./small-platform.ts";

/** A gateway in a process of its own, so that nothing goes past the sockets. */
export interface GatewayProcess {
  readonly url: string;
  /** Ends it as an orchestrator does; gives its exit code. */
  stop(): Promise<number | null>;
}

const main = join(import.meta.dirname, "../../../cli/main.ts");

/** Runs `weft serve gateway` beside a platform, until the platform ends. */
export async function serveGateway(
  { env, opened }: SmallPlatform,
  more: Record<string, string> = {},
): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [main, "serve", "gateway"], {
    env: { ...process.env, ...env, ...more },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = once(child, "exit");
  const stop = async () => {
    child.kill("SIGTERM");
    await gone;
    return child.exitCode;
  };
  opened.defer(async () => void (await stop()));
  let log = "";
  const port = await new Promise<string>((resolve, reject) => {
    child.stdout.on("data", (chunk) => {
      log = (log + chunk).slice(-20_000);
      const found = /"port":(\d+)/.exec(log)?.[1];
      if (found) resolve(found);
    });
    child.once("exit", () => reject(new Error(`it did not start: ${log}`)));
  });
  return { url: `http://127.0.0.1:${port}`, stop };
}
