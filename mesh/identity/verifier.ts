import type { JWTPayload } from "jose";
import { decodeProtectedHeader, errors, jwtVerify } from "jose";
import type { Caller, UserIdentity } from "../call/identity.ts";
import { fail } from "../errors.ts";
import type { KeySource } from "./keys.ts";
import type { Standing } from "./standing.ts";
import { algorithm, issuer, platformAudience, serviceOfToken, tokenTypes, userOf } from "./tokens.ts";

export interface Verifier {
  /** Who shows this bearer token; with a service's token, also for which user it acts. */
  verify(bearer: string, statement?: string): Promise<Caller>;
}

export interface VerifierOptions {
  /** The service that verifies: tokens for other audiences are refused. */
  service: string;
  keys: KeySource;
  standing: Standing;
  now?: () => number;
}

interface Verified {
  readonly payload: JWTPayload;
  readonly type: string;
  readonly expiresMs: number;
}

/** Bounds memory; a signature costs about 190 µs to verify, so each is verified once. */
const cacheSize = 10_000;
const longestToken = 8192;

export function createVerifier({ service, keys, standing, now = Date.now }: VerifierOptions): Verifier {
  const cache = new Map<string, Verified>();

  const verified = async (token: string): Promise<Verified> => {
    const known = cache.get(token);
    if (known && known.expiresMs > now()) return known;
    const fresh = await verifySignature(token, service, keys, now());
    if (cache.size >= cacheSize) {
      // Maps keep insertion order: the first is the oldest.
      for (const oldest of cache.keys()) {
        cache.delete(oldest);
        break;
      }
    }
    cache.set(token, fresh);
    return fresh;
  };

  const standingOf = (user: UserIdentity): UserIdentity => {
    if (standing.isRevoked(user.sessionId)) {
      throw fail.unauthenticated("session_ended", "the session was ended", { remedy: "sign in again" });
    }
    return standing.current(user);
  };

  return {
    async verify(bearer, statement) {
      const { payload, type } = await verified(bearer);
      if (type === tokenTypes.access) {
        return { user: standingOf(userOf(payload)) };
      }
      if (type !== tokenTypes.service) throw wrongKind();
      const caller: Caller = { service: serviceOfToken(payload) };
      if (!statement) return caller;
      const about = await verified(statement);
      if (about.type !== tokenTypes.statement) throw wrongKind();
      if (actorOf(about.payload) !== caller.service?.name) {
        throw fail.unauthenticated("bad_token", "the statement about the user was made for another service");
      }
      return { ...caller, user: standingOf(userOf(about.payload)) };
    },
  };
}

async function verifySignature(
  token: string,
  service: string,
  keys: KeySource,
  nowMs: number,
): Promise<Verified> {
  if (token.length > longestToken) throw fail.unauthenticated("bad_token", "the token is too long");
  try {
    const { typ: type = "" } = decodeProtectedHeader(token);
    const { payload } = await jwtVerify(token, ({ kid = "" }) => keys(kid), {
      algorithms: [algorithm],
      issuer,
      audience: type === tokenTypes.access ? platformAudience : service,
      typ: type,
      requiredClaims: ["exp", "iat", "sub"],
      currentDate: new Date(nowMs),
      clockTolerance: 5,
    });
    return { payload, type, expiresMs: (payload.exp ?? 0) * 1000 };
  } catch (error) {
    throw refusal(error);
  }
}

function refusal(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) {
    return fail.unauthenticated("token_expired", "the token has expired", {
      remedy: "refresh it or sign in again",
    });
  }
  if (error instanceof errors.JOSEError || error instanceof TypeError) {
    return fail.unauthenticated("bad_token", "the token is not valid", { cause: error });
  }
  return error;
}

function actorOf({ act }: JWTPayload): unknown {
  return typeof act === "object" && act !== null && "sub" in act ? act.sub : undefined;
}

const wrongKind = () => fail.unauthenticated("bad_token", "the token is of a kind that is not accepted here");
