import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { CryptoKey, JWK } from "jose";
import { importJWK, SignJWT } from "jose";
import { fail } from "../errors.ts";
import { algorithm, tokenTypes } from "./tokens.ts";

/** The private key with which a service proves its name to the issuer. */
export interface ServiceKey {
  /** A signed statement "I am this service", good for a minute and for the issuer alone (RFC 7523). */
  assertion(): Promise<string>;
}

const assertionLifetime = "60s";

export async function loadServiceKey(service: string, file: string): Promise<ServiceKey> {
  const key = await readKey(service, file);
  return {
    assertion: () =>
      new SignJWT({ jti: randomUUID() })
        .setProtectedHeader({ alg: algorithm, typ: tokenTypes.assertion })
        .setIssuer(service)
        .setSubject(service)
        .setAudience("security")
        .setIssuedAt()
        .setExpirationTime(assertionLifetime)
        .sign(key),
  };
}

async function readKey(service: string, file: string): Promise<CryptoKey> {
  try {
    const jwk = JSON.parse(await readFile(file, "utf8")) as JWK;
    if (jwk.crv !== "Ed25519" || !jwk.d) throw new Error("it is not a private Ed25519 key in JWK form");
    return (await importJWK(jwk, algorithm)) as CryptoKey;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw fail.precondition("bad_service_key", `cannot use the key of ${service} in ${file}: ${why}`, {
      remedy: "make one with `weft keys` and point WEFT_SERVICE_KEY_FILE or WEFT_KEYS_DIR to it",
      cause,
    });
  }
}
