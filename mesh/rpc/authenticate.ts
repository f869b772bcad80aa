import type { Caller } from "../call/identity.ts";
import { anonymous } from "../call/identity.ts";
import { fail } from "../errors.ts";
import { userHeader } from "../identity/tokens.ts";
import type { Verifier } from "../identity/verifier.ts";

export interface Credentials {
  readonly caller: Caller;
  /** The token that stands for the user, to be exchanged when calling on. */
  readonly userToken: string;
  /** Where the call really comes from, when whoever vouches for the caller knows. */
  readonly client?: { readonly address: string; readonly userAgent: string };
}

/** The metadata of a request, as far as a lane has it. */
export interface Metadata {
  /** One field, by its name in small letters. */
  header(name: string): string | undefined;
}

/** Finds out who calls, from the metadata of the call. Who is known already is given without a promise. */
export type Authenticator = (metadata: Metadata) => Credentials | Promise<Credentials>;

export const nobody: Credentials = Object.freeze({ caller: anonymous, userToken: "" });

/** Believes the tokens that the issuer signed, and nothing else. */
export function tokenAuthenticator(verifier: Verifier): Authenticator {
  const bearers = createBearers();
  return (metadata) => {
    const authorization = metadata.header("authorization");
    if (authorization === undefined) return nobody;
    const bearer = bearers(authorization);
    if (!bearer) {
      throw fail.unauthenticated("bad_authorization", "the authorization header is not `Bearer <token>`");
    }
    const statement = metadata.header(userHeader);
    const caller = verifier.verify(bearer, statement);
    return caller instanceof Promise
      ? caller.then((known) => credentialsOf(known, bearer, statement))
      : credentialsOf(caller, bearer, statement);
  };
}

const mostBearers = 1000;

/**
 * Remembers the tokens of headers: where the very same text comes again and
 * again, as on the express lane, neither it nor its token is hashed anew.
 */
function createBearers(): (authorization: string) => string {
  const known = new Map<string, string>();
  return (authorization) => {
    const found = known.get(authorization);
    if (found !== undefined) return found;
    const bearer = bearerOf(authorization);
    if (known.size >= mostBearers) known.clear();
    known.set(authorization, bearer);
    return bearer;
  };
}

const credentialsOf = (caller: Caller, bearer: string, statement: string | undefined): Credentials => ({
  caller,
  userToken: caller.service ? (statement ?? "") : bearer,
});

/** The token of an `authorization` header (RFC 6750 §2.1), or nothing when it holds none. */
export function bearerOf(authorization: string | undefined): string {
  const [, token = ""] = /^bearer +([^\s,]+) *$/i.exec(authorization ?? "") ?? [];
  return token;
}
