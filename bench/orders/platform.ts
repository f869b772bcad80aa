import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** A whole platform, as `npm start` makes it. */
export interface Platform extends AsyncDisposable {
  readonly gatewayUrl: string;
  /** An access token of a made-up user with this role. */
  token(role: string, email: string): Promise<string>;
}

const main = join(import.meta.dirname, "../../cli/main.ts");
const startMs = 120_000;

/** @param isolate A process for each service, instead of one for all. */
export async function startPlatform(isolate: boolean): Promise<Platform> {
  const folder = await mkdtemp(join(tmpdir(), "weft-bench-orders-"));
  const { DATABASE_URL: _database, NATS_URL: _nats, ...rest } = process.env;
  const env = {
    ...rest,
    NO_COLOR: "1",
    WEFT_DIR: folder,
    WEFT_ACCESS_LOG: "false",
    // A few users ask for all orders.
    GATEWAY_RATE_LIMITS: "false",
  };
  const child = spawn(process.execPath, [main, "up", ...(isolate ? ["--isolate"] : [])], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const close = async () => {
    child.kill("SIGTERM");
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const gatewayUrl = await new Promise<string>((resolve, reject) => {
      let said = "";
      const late = setTimeout(() => reject(new Error(`the platform did not start: ${said}`)), startMs);
      void exited.then(() => reject(new Error(`the platform ended: ${said}`)));
      child.stderr.on("data", (chunk) => {
        said += chunk;
      });
      child.stdout.on("data", (chunk) => {
        said += chunk;
        const [, url] = /gateway\s+\S+\s+(http:\S+)[\s\S]*Ctrl-C/.exec(said) ?? [];
        if (!url) return;
        clearTimeout(late);
        resolve(url);
      });
    });
    return {
      gatewayUrl,
      async token(role, email) {
        const args = [main, "token", "--role", role, "--email", email];
        return (await promisify(execFile)(process.execPath, args, { env })).stdout.trim();
      },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
