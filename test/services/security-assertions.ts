import { randomUUID } from "node:crypto";
import type { JWK } from "jose";
import { importJWK, SignJWT } from "jose";

export interface AssertionParts {
  typ?: string;
  iss?: string;
  sub?: string;
  aud?: string;
  jti?: string | undefined;
  /** Seconds from now. */
  expiresIn?: number | undefined;
}

/** The assertion of a service, right in all parts but those that are given. */
export async function assertionOf(service: string, key: JWK, parts: AssertionParts = {}): Promise<string> {
  const { typ = "weft-assertion+jwt", iss = service, sub = service, aud = "security" } = parts;
  const jti = "jti" in parts ? parts.jti : randomUUID();
  const expiresIn = "expiresIn" in parts ? parts.expiresIn : 60;
  const now = Math.floor(Date.now() / 1000);
  const jwt = new SignJWT(jti === undefined ? {} : { jti })
    .setProtectedHeader({ alg: "EdDSA", typ })
    .setIssuer(iss)
    .setSubject(sub)
    .setAudience(aud)
    .setIssuedAt(now);
  if (expiresIn !== undefined) jwt.setExpirationTime(now + expiresIn);
  return jwt.sign(await importJWK(key, "EdDSA"));
}
