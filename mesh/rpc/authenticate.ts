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

/** Finds out who calls, from the headers of the call. */
export type Authenticator = (headers: Headers) => Promise<Credentials>;

export const nobody: Credentials = Object.freeze({ caller: anonymous, userToken: "" });

/** Believes the tokens that the issuer signed, and nothing else. */
export function tokenAuthenticator(verifier: Verifier): Authenticator {
  return async (headers) => {
    if (!headers.has("authorization")) return nobody;
    const bearer = bearerOf(headers);
    if (!bearer) {
      throw fail.unauthenticated("bad_authorization", "the authorization header is not `Bearer <token>`");
    }
    const statement = headers.get(userHeader) ?? undefined;
    const caller = await verifier.verify(bearer, statement);
    return { caller, userToken: caller.service ? (statement ?? "") : bearer };
  };
}

/** The token of the `authorization` header (RFC 6750 §2.1), or nothing when it holds none. */
export function bearerOf(headers: Headers): string {
  const [, token = ""] = /^bearer +([^\s,]+) *$/i.exec(headers.get("authorization") ?? "") ?? [];
  return token;
}
