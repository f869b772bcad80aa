import type { JWTPayload } from "jose";
import type { ServiceIdentity, UserIdentity } from "../call/identity.ts";
import { fail } from "../errors.ts";

/** Who signs every token. */
export const issuer = "weft-security";
/** The only algorithm, named on both sides, so that no token can choose another (RFC 8725 §3.1). */
export const algorithm = "EdDSA";
/** The audience of access tokens: the platform as a whole, as seen from outside. */
export const platformAudience = "weft";

/** Explicit types (RFC 8725 §3.11): a token of one kind is never taken for another. */
export const tokenTypes = {
  access: "at+jwt",
  service: "weft-service+jwt",
  statement: "weft-user+jwt",
  assertion: "weft-assertion+jwt",
  standing: "weft-standing+jwt",
} as const;

/** Where a service that acts for a user puts the issuer's statement about that user. */
export const userHeader = "weft-user";

/** Reads a verified payload as a user; the issuer's own mistakes are refused too. */
export function userOf(payload: JWTPayload): UserIdentity {
  const { sub, sid, email, roles, permissions } = payload;
  if (isText(sub) && isText(sid) && isText(email) && isTexts(roles) && isTexts(permissions)) {
    return { id: sub, sessionId: sid, email, roles, permissions };
  }
  throw fail.unauthenticated("bad_token", "the token lacks claims about its user");
}

/** Today's roles of a user, where a verified payload has them in their right form. */
export function grantOfToken({ roles, permissions }: JWTPayload) {
  return isTexts(roles) && isTexts(permissions) ? { roles, permissions } : undefined;
}

/** As of when a token gives its user's roles; 0 where they had not changed for as long as that matters. */
export const rolesSinceMs = ({ roles_ms: ms }: JWTPayload): number => (typeof ms === "number" ? ms : 0);

export function serviceOfToken(payload: JWTPayload): ServiceIdentity {
  const { sub, scopes } = payload;
  if (isText(sub) && isTexts(scopes)) return { name: sub, scopes };
  throw fail.unauthenticated("bad_token", "the token lacks claims about its service");
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((it) => typeof it === "string");
