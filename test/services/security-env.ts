import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JWK } from "jose";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import { AuthService } from "#gen/user/v1/auth_pb.js";
import { serviceOf } from "#mesh";

export interface SecurityEnv extends AsyncDisposable {
  /** What the security service wants in its environment, and where every service finds its key. */
  readonly env: Record<string, string>;
  /** The private key of a service, as `<service>/key.json` holds it. */
  keyOf(service: string): JWK;
}

export interface TrustedService {
  readonly key: JWK;
  readonly scopes: readonly string[];
}

/** Scopes as their contracts state them; services without a contract here have none. */
const statedScopes: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  [TokenService, AuthService].map((contract) => {
    const stated = serviceOf(contract);
    return [stated?.name ?? "", stated?.scopes ?? []];
  }),
);

/** A master key, a key for each service and a file that trusts them, in a folder that goes when disposed. */
export async function securityEnv(services: readonly string[]): Promise<SecurityEnv> {
  const folder = await mkdtemp(join(tmpdir(), "weft-security-"));
  const keys = new Map<string, JWK>();
  const trusted: Record<string, TrustedService> = {};
  for (const service of services) {
    const { privateKey, publicKey } = newServiceKey();
    keys.set(service, privateKey);
    trusted[service] = { key: publicKey, scopes: statedScopes[service] ?? [] };
    await mkdir(join(folder, service));
    await writeFile(join(folder, service, "key.json"), JSON.stringify(privateKey), { mode: 0o600 });
  }
  const trustFile = join(folder, "trust.json");
  await writeFile(trustFile, JSON.stringify({ services: trusted }));
  return {
    env: {
      SECURITY_MASTER_KEY: randomBytes(32).toString("base64"),
      SECURITY_TRUST_FILE: trustFile,
      WEFT_KEYS_DIR: folder,
    },
    keyOf: (service) => {
      const key = keys.get(service);
      if (!key) throw new Error(`securityEnv was not asked for a key of "${service}"`);
      return key;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

export function newServiceKey(): { privateKey: JWK; publicKey: JWK } {
  const pair = generateKeyPairSync("ed25519");
  return {
    privateKey: pair.privateKey.export({ format: "jwk" }) as JWK,
    publicKey: pair.publicKey.export({ format: "jwk" }) as JWK,
  };
}
