import { hash } from "node:crypto";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import type { TokenService } from "#gen/security/v1/tokens_pb.js";
import type { Call } from "../call/call.ts";
import { runOutsideCalls } from "../call/call.ts";
import type { UserIdentity } from "../call/identity.ts";
import type { Fields } from "../call/metadata.ts";
import type { ServiceKey } from "./service-key.ts";
import { createTokenCache } from "./token-cache.ts";

/** With what a call proves who makes it, and for whom. */
export interface Proof {
  /** `Bearer <token>`, or nothing. */
  readonly authorization: string;
  /** The issuer's statement about the user, or nothing. */
  readonly statement: string;
  /** Further metadata. */
  readonly fields?: Fields;
}

/** Gives the proof for a call; without a promise when all of it is at hand. */
export type Credentials = (callee: string, call: Call | undefined) => Proof | Promise<Proof>;

export interface CredentialsOptions {
  key: ServiceKey;
  /** The issuer, called without credentials: the assertion is the proof. */
  issuer: Pick<Client<typeof TokenService>, "issueServiceToken">;
  /** The issuer, called as this service. */
  exchange: Pick<Client<typeof TokenService>, "exchangeUserToken">;
}

/**
 * A token of our own for each callee and, when the call at hand is for a user,
 * the issuer's statement about that user for this callee. Both are kept until
 * shortly before they expire.
 */
export function createCredentials({ key, issuer, exchange }: CredentialsOptions): Credentials {
  const serviceToken = createTokenCache((audience) =>
    runOutsideCalls(async () => {
      const answer = await issuer.issueServiceToken({ assertion: await key.assertion(), audience });
      // The whole header, so that it is one and the same text for all calls.
      const value = `Bearer ${answer.token}`;
      return { value, expiresMs: answer.expiresAt ? timestampMs(answer.expiresAt) : 0 };
    }),
  );

  const subjects = new Map<string, string>();
  const statement = createTokenCache((name) =>
    runOutsideCalls(async () => {
      const [audience = ""] = name.split(" ");
      const answer = await exchange.exchangeUserToken({ subjectToken: subjects.get(name) ?? "", audience });
      return { value: answer.statement, expiresMs: answer.expiresAt ? timestampMs(answer.expiresAt) : 0 };
    }),
  );

  const statementFor = (callee: string, user: UserIdentity, userToken: string): string | Promise<string> => {
    const name = nameOf(callee, user, userToken);
    subjects.set(name, userToken);
    const found = statement(name);
    if (!(found instanceof Promise)) {
      subjects.delete(name);
      return found;
    }
    return found.finally(() => subjects.delete(name));
  };

  return (callee, call) => {
    const own = serviceToken(callee);
    const user = call?.caller.user;
    const about = user && call.userToken ? statementFor(callee, user, call.userToken) : "";
    if (own instanceof Promise || about instanceof Promise) {
      return Promise.all([own, about]).then(([token, text]) => proofOf(token, text));
    }
    return proofOf(own, about);
  };
}

interface Named {
  readonly token: string;
  readonly hash: string;
  readonly byCallee: Map<string, string>;
}

/** Of the last token of a user, for as long as the user's identity is at hand anyway. */
const named = new WeakMap<UserIdentity, Named>();

/** What a statement is kept under: by a hash, so that the cache of statements keeps no user's token. */
function nameOf(callee: string, user: UserIdentity, token: string): string {
  let known = named.get(user);
  if (known?.token !== token) {
    known = { token, hash: hash("sha256", token, "base64url"), byCallee: new Map() };
    named.set(user, known);
  }
  let name = known.byCallee.get(callee);
  if (name === undefined) {
    name = `${callee} ${known.hash}`;
    known.byCallee.set(callee, name);
  }
  return name;
}

const proofOf = (authorization: string, statement: string): Proof => ({ authorization, statement });
