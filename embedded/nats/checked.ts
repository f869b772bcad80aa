import { createHash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { readJson } from "../json-file.ts";
import { makeFolder, writePrivate } from "../private-file.ts";

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/**
 * Asks `find` about a file once and remembers the answer for as long as the file
 * stays the same: hashing 18 MB or running a binary at each start is felt.
 */
export async function remembered(
  path: string,
  cacheDir: string,
  find: () => Promise<string>,
): Promise<string> {
  const { mtimeMs, size } = statSync(path);
  const cacheFile = join(cacheDir, "nats-binaries.json");
  const key = `${path} ${mtimeMs} ${size}`;
  const known = readKnown(cacheFile);
  const answer = known[key];
  if (typeof answer === "string") return answer;
  const found = await find();
  makeFolder(cacheDir);
  // Answers about earlier files at this path are of no use any more.
  const others = Object.entries(known).filter(([other]) => !other.startsWith(`${path} `));
  writePrivate(cacheFile, JSON.stringify({ ...Object.fromEntries(others), [key]: found }));
  return found;
}

function readKnown(cacheFile: string): Record<string, unknown> {
  try {
    return readJson(cacheFile) ?? {};
  } catch {
    // A broken cache is an empty one.
    return {};
  }
}
