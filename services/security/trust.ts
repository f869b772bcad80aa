import { readFile, stat } from "node:fs/promises";
import type { CryptoKey, JWK } from "jose";
import { importJWK } from "jose";
import type { Logger } from "#mesh";
import { algorithm, fail } from "#mesh";

/** A service that we believe, and what it may do. */
export interface TrustedService {
  readonly key: CryptoKey;
  readonly scopes: readonly string[];
}

export interface Trust {
  /** What we know of a service of this name. */
  find(service: string): Promise<TrustedService | undefined>;
}

export interface TrustOptions {
  file: string;
  log: Logger;
  now: () => number;
}

const lookAgainMs = 1000;
const scopeForm = /^([a-z][a-z0-9_-]*|\*):([a-z][a-z0-9_-]*|\*)$/;
const nameForm = /^[a-z][a-z0-9-]{0,62}$/;

type Services = ReadonlyMap<string, TrustedService>;

/**
 * Reads the trust file, and again when it has changed. A change that does not
 * hold up is logged and the last good content kept: a slip of the editor must
 * not stop the platform.
 */
export async function openTrust({ file, log, now }: TrustOptions): Promise<Trust> {
  let { services, stamp } = await read(file);
  let lookedMs = now();
  let looking: Promise<void> | undefined;

  const look = async () => {
    try {
      const found = await stampOf(file);
      if (found === stamp) return;
      stamp = found;
      ({ services, stamp } = await read(file));
      log.info({ services: [...services.keys()] }, "trust file read anew");
    } catch (error) {
      log.error({ err: error }, "the trust file cannot be read; what it said before stays in force");
    }
  };

  return {
    async find(service) {
      if (Math.abs(now() - lookedMs) >= lookAgainMs) {
        looking ??= look().finally(() => {
          looking = undefined;
          lookedMs = now();
        });
      }
      await looking;
      return services.get(service);
    },
  };
}

async function read(file: string): Promise<{ services: Services; stamp: string }> {
  try {
    // The stamp first: a change after it is noticed at the next look.
    const stamp = await stampOf(file);
    return { stamp, services: await parseTrust(await readFile(file, "utf8")) };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw fail.precondition("bad_trust_file", `SECURITY_TRUST_FILE: cannot use ${file}: ${why}`, {
      remedy:
        'it must hold {"services":{"<name>":{"key":<public Ed25519 JWK>,"scopes":["resource:action"]}}}',
      cause,
    });
  }
}

async function stampOf(file: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(file);
  return `${mtimeMs} ${size} ${ino}`;
}

/** Throws with what is wrong, naming the service it is wrong with. */
async function parseTrust(text: string): Promise<Services> {
  const content: unknown = JSON.parse(text);
  if (!isRecord(content) || !isRecord(content.services)) throw new Error('it has no object "services"');
  const services = new Map<string, TrustedService>();
  for (const [name, entry] of Object.entries(content.services)) {
    if (!nameForm.test(name)) throw new Error(`"${name}" is not the name of a service`);
    services.set(name, await parseService(name, entry));
  }
  return services;
}

async function parseService(name: string, entry: unknown): Promise<TrustedService> {
  const { key, scopes } = isRecord(entry) ? entry : {};
  if (!isRecord(key) || key.kty !== "OKP" || key.crv !== "Ed25519" || typeof key.x !== "string") {
    throw new Error(`the key of ${name} is not an Ed25519 key in JWK form`);
  }
  if ("d" in key) throw new Error(`the key of ${name} is a private one: only its public part belongs here`);
  if (!Array.isArray(scopes) || !scopes.every((it) => typeof it === "string" && scopeForm.test(it))) {
    throw new Error(`the scopes of ${name} are not a list of resource:action`);
  }
  const jwk: JWK = { kty: key.kty, crv: key.crv, x: key.x };
  const imported = await importJWK(jwk, algorithm).catch((cause: unknown) => {
    throw new Error(`the key of ${name} is not a point of Ed25519`, { cause });
  });
  return { key: imported as CryptoKey, scopes: [...new Set<string>(scopes)] };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
