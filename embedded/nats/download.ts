import { execFile } from "node:child_process";
import { createWriteStream, existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { EmbeddedError } from "../errors.ts";
import { makeFolder } from "../private-file.ts";
import { sha256Of } from "./checked.ts";
import type { Archive } from "./release.ts";

export type Progress = (received: number, total: number | undefined) => void;

/** Fetches the archive into the cache folder once, checks it, and answers with the binary in it. */
export async function downloadNats(archive: Archive, cacheDir: string, progress: Progress): Promise<string> {
  const folder = join(cacheDir, archive.name);
  const binary = join(folder, "nats-server");
  if (existsSync(binary)) return binary;
  makeFolder(cacheDir);
  const draft = mkdtempSync(join(cacheDir, "download-"));
  try {
    const file = join(draft, "archive.tar.gz");
    await fetchTo(archive.url, file, progress);
    const actual = await sha256Of(file);
    if (actual !== archive.sha256) throw wrongSum(archive, actual);
    await promisify(execFile)("tar", ["-xzf", file, "-C", draft]);
    place(join(draft, archive.name), folder);
    return binary;
  } catch (error) {
    throw error instanceof EmbeddedError ? error : notFetched(archive, error);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

async function fetchTo(url: string, file: string, progress: Progress): Promise<void> {
  const response = await fetch(url);
  if (!response.ok || !response.body) throw new Error(`the server answered ${response.status}`);
  const total = Number(response.headers.get("content-length")) || undefined;
  let received = 0;
  async function* counted(chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      received += chunk.byteLength;
      progress(received, total);
      yield chunk;
    }
  }
  await pipeline(Readable.fromWeb(response.body), counted, createWriteStream(file));
}

/** Another start may have put its own copy there meanwhile; it passed the same check. */
function place(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(join(to, "nats-server"))) throw error;
  }
}

function wrongSum({ url, sha256 }: Archive, actual: string): EmbeddedError {
  return new EmbeddedError("binary_corrupt", `${url} has SHA-256 ${actual} where ${sha256} was expected`, {
    remedy: "do not use it; install nats-server yourself, or set NATS_URL",
  });
}

function notFetched({ url }: Archive, cause: unknown): EmbeddedError {
  const deeper = cause instanceof Error && cause.cause instanceof Error ? `: ${cause.cause.message}` : "";
  return new EmbeddedError("download_failed", `cannot fetch ${url} (${String(cause)}${deeper})`, {
    remedy:
      "check the network (behind a proxy, set NODE_USE_ENV_PROXY=1), install nats-server 2.10 or newer, or set NATS_URL",
    cause,
  });
}
