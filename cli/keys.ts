import { randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { JWK } from "jose";
import { exportJWK, generateKeyPair } from "jose";
import { fail } from "#mesh/errors.ts";

/** What the issuer is told of each service: its public key and what it may do. */
export interface TrustFile {
  services: Record<string, { key: JWK; scopes: string[] }>;
}

export interface Principal {
  readonly name: string;
  readonly scopes: readonly string[];
}

/** Who runs the platform, when it must act before there is an admin. */
export const operator: Principal = { name: "operator", scopes: ["*:*"] };

/** A folder for each, so that each process can be given its own alone. */
const folderOf = (dir: string, name: string): string => join(dir, name);
export const keyFile = (dir: string, name: string): string => join(folderOf(dir, name), "key.json");
export const trustFile = (dir: string): string => join(folderOf(dir, "security"), "trust.json");
const masterKeyFile = (dir: string): string => join(folderOf(dir, "security"), "master.key");

/**
 * Makes the keys that are missing and writes the trust file anew. Keys that are
 * there stay: other processes may be using them. Returns what was made.
 */
export async function ensureKeys(dir: string, principals: readonly Principal[]): Promise<string[]> {
  await makePrivate(dir);
  await makePrivate(folderOf(dir, "security"));
  const made: string[] = [];
  const trust: TrustFile = { services: {} };
  for (const { name, scopes } of principals) {
    const file = keyFile(dir, name);
    await makePrivate(folderOf(dir, name));
    let key = await readJson<JWK>(file);
    if (!key) {
      key = await newKey();
      await writePrivate(file, JSON.stringify(key));
      made.push(name);
    }
    const { d: _private, ...publicKey } = key;
    trust.services[name] = { key: publicKey, scopes: [...scopes] };
  }
  await writePrivate(trustFile(dir), `${JSON.stringify(trust, null, 2)}\n`);
  if ((await readText(masterKeyFile(dir))) === undefined) {
    await writePrivate(masterKeyFile(dir), randomBytes(32).toString("base64"));
    made.push("security master key");
  }
  return made;
}

/** The secret under which the issuer keeps its signing keys. */
export async function readMasterKey(dir: string): Promise<string> {
  return (await readFile(masterKeyFile(dir), "utf8")).trim();
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair("EdDSA", { extractable: true });
  return exportJWK(privateKey);
}

async function makePrivate(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
}

/** Written beside and moved into place, so that nobody reads half a key. */
export async function writePrivate(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, file);
}

async function readJson<T>(file: string): Promise<T | undefined> {
  const text = await readText(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw fail.precondition("bad_service_key", `${file} holds no key`, {
      remedy: "restore it, or delete it for a new one to be made",
      cause,
    });
  }
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
