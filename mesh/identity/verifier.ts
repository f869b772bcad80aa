import type { JWTPayload } from "jose";
import { decodeProtectedHeader, errors, jwtVerify } from "jose";
import { makeRoom } from "../bounds/make-room.ts";
import type { Caller, UserIdentity } from "../call/identity.ts";
import { fail } from "../errors.ts";
import type { KeySource } from "./keys.ts";
import type { Standing } from "./standing.ts";
import {
  algorithm,
  issuer,
  platformAudience,
  rolesSinceMs,
  serviceOfToken,
  tokenTypes,
  userOf,
} from "./tokens.ts";

export interface Verifier {
  /**
   * Who shows this bearer token; with a service's token, also for which user it
   * acts. What is known already is answered without a promise.
   */
  verify(bearer: string, statement?: string): Caller | Promise<Caller>;
}

export interface VerifierOptions {
  /** The service that verifies: tokens for other audiences are refused. */
  service: string;
  keys: KeySource;
  standing: Standing;
  now?: () => number;
}

/** What a token says, read once. */
interface Verified {
  readonly type: string;
  readonly expiresMs: number;
  readonly user?: UserIdentity;
  readonly rolesMs: number;
  /** For a service's token, who that is; frozen, since many calls share it. */
  readonly caller?: Caller;
  /** For a statement about a user, the service it was made for. */
  readonly actor?: unknown;
}

/** Bounds memory; a signature costs about 190 µs to verify, so each is verified once. */
const cacheSize = 10_000;
const longestToken = 8192;

export function createVerifier({ service, keys, standing, now = Date.now }: VerifierOptions): Verifier {
  const cache = new Map<string, Verified>();

  const verified = (token: string): Verified | Promise<Verified> => {
    const known = cache.get(token);
    return known && known.expiresMs > now() ? known : verifyAnew(token);
  };
  const verifyAnew = async (token: string) => {
    const fresh = await verifySignature(token, service, keys, now());
    makeRoom(cache, cacheSize);
    cache.set(token, fresh);
    return fresh;
  };

  const standingOf = (user: UserIdentity, rolesMs: number): UserIdentity => {
    if (standing.isRevoked(user.sessionId)) {
      throw fail.unauthenticated("session_ended", "the session was ended", { remedy: "sign in again" });
    }
    return standing.current(user, rolesMs);
  };

  const callerOf = ({ type, user, rolesMs, caller }: Verified, about: Verified | undefined): Caller => {
    if (type === tokenTypes.access && user) return { user: standingOf(user, rolesMs) };
    if (!caller) throw wrongKind();
    if (!about) return caller;
    if (about.type !== tokenTypes.statement || !about.user) throw wrongKind();
    if (about.actor !== caller.service?.name) {
      throw fail.unauthenticated("bad_token", "the statement about the user was made for another service");
    }
    return { ...caller, user: standingOf(about.user, about.rolesMs) };
  };

  const withStatement = (shown: Verified, statement: string | undefined): Caller | Promise<Caller> => {
    if (shown.type === tokenTypes.access || !statement) return callerOf(shown, undefined);
    const about = verified(statement);
    return about instanceof Promise ? about.then((it) => callerOf(shown, it)) : callerOf(shown, about);
  };

  return {
    verify(bearer, statement) {
      const shown = verified(bearer);
      return shown instanceof Promise
        ? shown.then((it) => withStatement(it, statement))
        : withStatement(shown, statement);
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
    return read(payload, type);
  } catch (error) {
    throw refusal(error);
  }
}

function read(payload: JWTPayload, type: string): Verified {
  const common = { type, expiresMs: (payload.exp ?? 0) * 1000, rolesMs: rolesSinceMs(payload) };
  if (type === tokenTypes.access) return { ...common, user: userOf(payload) };
  if (type === tokenTypes.statement) return { ...common, user: userOf(payload), actor: actorOf(payload) };
  if (type === tokenTypes.service) {
    return { ...common, caller: Object.freeze({ service: Object.freeze(serviceOfToken(payload)) }) };
  }
  return common;
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
