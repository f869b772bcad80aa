import type { JWTPayload } from "jose";
import { decodeProtectedHeader, errors, jwtVerify } from "jose";
import { reasonOf } from "../errors.ts";
import type { KeySource } from "./keys.ts";
import { algorithm, grantOfToken, issuer, tokenTypes } from "./tokens.ts";

/** Bucket key of a session that was ended. */
export const sessionKey = (sessionId: string) => `session.${sessionId}`;
/** Bucket key of a user whose roles were changed. */
export const userKey = (userId: string) => `user.${userId}`;

export interface Grant {
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
}

/** What the issuer says about a key of the bucket. */
export interface Statement {
  /** Today's roles of a user; nothing for a session, which is ended. */
  readonly grant: Grant | undefined;
  /** When it became true: what became true before it says nothing any more. */
  readonly sinceMs: number;
  readonly expiresMs: number;
}

export type Judged =
  | { readonly is: "good"; readonly statement: Statement }
  | { readonly is: "expired" }
  | { readonly is: "bad"; readonly why: string }
  /** Nobody knows now: the issuer did not answer, or we may not have seen its newest key yet. */
  | { readonly is: "unknown"; readonly why: string; readonly issuerAway: boolean };

/** All permissions of all roles are far fewer. */
const longestEntry = 64 * 1024;

/** Can it be an entry at all? Cheap, so that what cannot be is not kept until a key is there. */
export function looksSigned(text: string): boolean {
  if (text.length > longestEntry) return false;
  try {
    const { typ, kid } = decodeProtectedHeader(text);
    return typ === tokenTypes.standing && typeof kid === "string" && kid !== "";
  } catch {
    // Not a JWS: that is the answer.
    return false;
  }
}

/** Whoever reaches the broker can put anything there: only what the issuer signed for this very key counts. */
export async function judgeEntry(key: string, text: string, keys: KeySource, nowMs: number): Promise<Judged> {
  let unverified: unknown;
  const keyOf = async (kid: string) => {
    try {
      return await keys(kid);
    } catch (error) {
      unverified = error;
      throw error;
    }
  };
  try {
    const { payload } = await jwtVerify(text, ({ kid = "" }) => keyOf(kid), {
      algorithms: [algorithm],
      issuer,
      subject: key,
      typ: tokenTypes.standing,
      requiredClaims: ["exp", "iat", "sub"],
      currentDate: new Date(nowMs),
    });
    return read(key, payload);
  } catch (error) {
    if (unverified !== undefined) {
      const why = reasonOf(unverified);
      return { is: "unknown", why, issuerAway: why !== "bad_token" };
    }
    if (error instanceof errors.JWTExpired) return { is: "expired" };
    return { is: "bad", why: error instanceof Error ? error.message : String(error) };
  }
}

function read(key: string, payload: JWTPayload): Judged {
  const { iat = 0, exp = 0 } = payload;
  const times = { sinceMs: Math.round(iat * 1000), expiresMs: exp * 1000 };
  if (key.startsWith(sessionKey(""))) return { is: "good", statement: { grant: undefined, ...times } };
  const grant = key.startsWith(userKey("")) ? grantOfToken(payload) : undefined;
  if (grant) return { is: "good", statement: { grant, ...times } };
  return { is: "bad", why: "it is about no session and lacks roles" };
}
