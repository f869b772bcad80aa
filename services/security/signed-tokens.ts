import { randomUUID } from "node:crypto";
import type { JWTPayload } from "jose";
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from "jose";
import { algorithm, issuer, platformAudience, standingTtlMs, tokenTypes } from "#mesh";
import { userOf } from "#mesh/identity/tokens.ts";
import type { HeldGrant } from "./grants-store.ts";
import type { Keyring } from "./keyring.ts";

/** The user behind a token, and the session that it came from. */
export interface Subject {
  readonly userId: string;
  readonly sessionId: string;
  readonly email: string;
}

export interface Signed {
  readonly token: string;
  readonly expiresMs: number;
}

export interface SignedTokens {
  /** Throws when nothing can be signed now. */
  ready(): Promise<void>;
  access(subject: Subject, grant: HeldGrant, expiresMs: number): Promise<Signed>;
  service(name: string, audience: string, scopes: readonly string[], expiresMs: number): Promise<Signed>;
  /** That `actor` acts for this user towards `audience` (RFC 8693 §4.1). */
  statement(
    subject: Subject,
    grant: HeldGrant,
    actor: string,
    audience: string,
    expiresMs: number,
  ): Promise<Signed>;
  /** What has changed about a session or a user, for the bucket that every process watches. */
  standing(key: string, claims: JWTPayload, sinceMs: number): Promise<string>;
  /**
   * Reads a token about a user: an access token, or, for a service that says
   * who it is, a statement made for it.
   */
  read(token: string, reader?: string): Promise<Reading>;
}

export type BadTokenReason = "token_expired" | "bad_token";
export type Reading =
  | { readonly ok: true; readonly subject: Subject; readonly expiresMs: number }
  | { readonly ok: false; readonly reason: BadTokenReason };

/** The clocks of our instances may differ by this much. */
const clockToleranceS = 5;

export function createSignedTokens(keyring: Keyring, now: () => number): SignedTokens {
  const sign = async (
    typ: string,
    claims: JWTPayload & { sub: string; aud: string },
    wantedExpiryMs: number,
  ): Promise<Signed> => {
    const { kid, key } = await keyring.signer();
    const exp = Math.floor(wantedExpiryMs / 1000);
    const token = await new SignJWT({ ...claims, jti: randomUUID() })
      .setProtectedHeader({ alg: algorithm, typ, kid })
      .setIssuer(issuer)
      .setIssuedAt(Math.floor(now() / 1000))
      .setExpirationTime(exp)
      .sign(key);
    return { token, expiresMs: exp * 1000 };
  };

  const read = async (token: string, typ: string, audience: string): Promise<Reading> => {
    const { payload } = await jwtVerify(
      token,
      async ({ kid = "" }) => {
        const key = await keyring.verifier(kid);
        if (!key) throw new errors.JWKSNoMatchingKey();
        return key;
      },
      {
        algorithms: [algorithm],
        issuer,
        audience,
        typ,
        requiredClaims: ["exp", "iat", "sub", "sid"],
        currentDate: new Date(now()),
        clockTolerance: clockToleranceS,
      },
    );
    const { id: userId, sessionId, email } = userOf(payload);
    return { ok: true, subject: { userId, sessionId, email }, expiresMs: (payload.exp ?? 0) * 1000 };
  };

  return {
    ready: async () => {
      await keyring.signer();
    },
    access: (subject, grant, expiresMs) =>
      sign(tokenTypes.access, { aud: platformAudience, ...claimsOf(subject, grant) }, expiresMs),
    service: (name, audience, scopes, expiresMs) =>
      sign(tokenTypes.service, { sub: name, aud: audience, scopes: [...scopes] }, expiresMs),
    statement: (subject, grant, actor, audience, expiresMs) =>
      sign(
        tokenTypes.statement,
        { aud: audience, ...claimsOf(subject, grant), act: { sub: actor } },
        expiresMs,
      ),
    async standing(key, claims, sinceMs) {
      const { kid, key: privateKey } = await keyring.signer();
      // To the millisecond (RFC 7519 §2 allows it): roles may change twice in a second.
      return new SignJWT({ ...claims, sub: key })
        .setProtectedHeader({ alg: algorithm, typ: tokenTypes.standing, kid })
        .setIssuer(issuer)
        .setIssuedAt(sinceMs / 1000)
        .setExpirationTime((sinceMs + standingTtlMs) / 1000)
        .sign(privateKey);
    },
    async read(token, reader) {
      try {
        const { typ } = decodeProtectedHeader(token);
        if (typ === tokenTypes.access) return await read(token, typ, platformAudience);
        if (typ === tokenTypes.statement && reader) return await read(token, typ, reader);
        return { ok: false, reason: "bad_token" };
      } catch (error) {
        if (error instanceof errors.JWTExpired) return { ok: false, reason: "token_expired" };
        if (error instanceof errors.JOSEError || error instanceof TypeError) {
          return { ok: false, reason: "bad_token" };
        }
        throw error;
      }
    },
  };
}

const claimsOf = ({ userId, sessionId, email }: Subject, { roles, permissions, sinceMs }: HeldGrant) => ({
  sub: userId,
  sid: sessionId,
  email,
  roles: [...roles],
  permissions: [...permissions],
  roles_ms: sinceMs,
});
