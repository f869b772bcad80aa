import { createHash } from "node:crypto";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import type { TokenService } from "#gen/security/v1/tokens_pb.js";
import type { Call } from "../call/call.ts";
import { runOutsideCalls } from "../call/call.ts";
import type { ServiceKey } from "./service-key.ts";
import { createTokenCache } from "./token-cache.ts";
import { userHeader } from "./tokens.ts";

/** The headers with which a call proves who makes it, and for whom. */
export type Credentials = (
  callee: string,
  call: Call | undefined,
) => Promise<Readonly<Record<string, string>>>;

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
      return { value: answer.token, expiresMs: answer.expiresAt ? timestampMs(answer.expiresAt) : 0 };
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

  const statementFor = async (callee: string, userToken: string) => {
    const name = `${callee} ${createHash("sha256").update(userToken).digest("base64url")}`;
    subjects.set(name, userToken);
    try {
      return await statement(name);
    } finally {
      subjects.delete(name);
    }
  };

  return async (callee, call) => {
    const authorization = `Bearer ${await serviceToken(callee)}`;
    if (!call?.caller.user || !call.userToken) return { authorization };
    return { authorization, [userHeader]: await statementFor(callee, call.userToken) };
  };
}
