import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { CryptoKey, JWK } from "jose";
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from "jose";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import type { UserIdentity } from "../call/identity.ts";
import { fail } from "../errors.ts";
import { algorithm, issuer, platformAudience, tokenTypes } from "../identity/tokens.ts";
import type { Handlers } from "../implementation.ts";
import { handlers } from "../implementation.ts";
import type { ServiceDefinition } from "../service.ts";
import { defineService } from "../service.ts";

/** The least that can pass for the security service: it signs whatever it is asked to. */
export interface TestIssuer {
  readonly definition: ServiceDefinition;
  /** How often each method was called. */
  readonly asked: Record<"issueServiceToken" | "exchangeUserToken" | "getKeySet", number>;
  /** An access token, as a signed-in user has it. */
  accessToken(user: UserIdentity): Promise<string>;
  /** An entry of the standing bucket, as the issuer puts it there. */
  standing(key: string, claims?: object): Promise<string>;
}

const lifetimeMs = 600_000;

export async function createTestIssuer(): Promise<TestIssuer> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = await exportJWK(publicKey);
  const asked = { issueServiceToken: 0, exchangeUserToken: 0, getKeySet: 0 };
  const sign = signer(privateKey);

  const answers: Pick<Handlers<typeof TokenService>, keyof typeof asked> = {
    issueServiceToken: async ({ assertion, audience }) => {
      asked.issueServiceToken++;
      const { sub } = decodeJwt(assertion);
      return {
        token: await sign(tokenTypes.service, audience, { sub, scopes: [] }),
        expiresAt: timestampFromMs(Date.now() + lifetimeMs),
      };
    },
    exchangeUserToken: async ({ subjectToken, audience }, call) => {
      asked.exchangeUserToken++;
      const { sub, sid, email, roles, permissions } = decodeJwt(subjectToken);
      const act = { sub: call.caller.service?.name };
      return {
        statement: await sign(tokenTypes.statement, audience, { sub, sid, email, roles, permissions, act }),
        expiresAt: timestampFromMs(Date.now() + lifetimeMs),
      };
    },
    getKeySet: () => {
      asked.getKeySet++;
      return {
        keys: [{ ...(jwk as Required<Pick<JWK, "kty" | "crv" | "x">>), kid, alg: algorithm, use: "sig" }],
      };
    },
  };
  const missing = () => {
    throw fail.unimplemented("not_in_tests", "the issuer of tests does not do this");
  };
  const rest = Object.fromEntries(TokenService.methods.map(({ localName }) => [localName, missing]));
  return {
    asked,
    definition: defineService({
      name: "security",
      contracts: [TokenService],
      setup: () => ({
        rpc: [handlers(TokenService, { ...rest, ...answers } as Handlers<typeof TokenService>)],
      }),
    }),
    accessToken: ({ id, sessionId, email, roles, permissions }) =>
      sign(tokenTypes.access, platformAudience, { sub: id, sid: sessionId, email, roles, permissions }),
    standing: (key, claims = {}) => sign(tokenTypes.standing, platformAudience, { ...claims, sub: key }),
  };
}

const kid = "test-key";

const signer =
  (key: CryptoKey) =>
  (typ: string, audience: string, claims: object): Promise<string> =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: algorithm, typ, kid })
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime("10m")
      .sign(key);
