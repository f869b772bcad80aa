import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { CryptoKey, JWK } from "jose";
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from "jose";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import type { Handlers, ServiceDefinition } from "#mesh";
import { algorithm, defineService, fail, handlers, issuer, tokenTypes } from "#mesh";

/** Signs service tokens that are good for a short time, with a key that changes. */
export interface Issuer {
  readonly definition: ServiceDefinition;
  /** Signs with the next key from now on, which was published ahead of time; makes another to follow it. */
  rotate(): Promise<void>;
  /** Tokens issued with each key, the oldest key first. */
  issued(): readonly number[];
}

/** They are renewed after four fifths of it. */
const lifetimeMs = 1500;

interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly published: Required<Pick<JWK, "kty" | "crv" | "x">>;
  issued: number;
}

export async function createIssuer(): Promise<Issuer> {
  const keys = [await newKey(), await newKey()];
  // All keys but the last have signed, or do so now; it is published before it signs.
  const current = () => keys.at(-2) as SigningKey;

  const answers: Pick<Handlers<typeof TokenService>, "issueServiceToken" | "getKeySet"> = {
    async issueServiceToken({ assertion, audience }) {
      const key = current();
      key.issued++;
      const expiresMs = Date.now() + lifetimeMs;
      const token = await new SignJWT({ sub: decodeJwt(assertion).sub ?? "", scopes: [] as string[] })
        .setProtectedHeader({ alg: algorithm, typ: tokenTypes.service, kid: key.kid })
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(Math.ceil(expiresMs / 1000))
        .sign(key.privateKey);
      return { token, expiresAt: timestampFromMs(expiresMs) };
    },
    // Who signed before the present key is forgotten.
    getKeySet: () => ({
      keys: keys.slice(-2).map(({ kid, published }) => ({ ...published, kid, alg: algorithm, use: "sig" })),
    }),
  };
  const missing = () => {
    throw fail.unimplemented("not_in_tests", "the issuer of tests does not do this");
  };
  const rest = Object.fromEntries(TokenService.methods.map(({ localName }) => [localName, missing]));
  return {
    definition: defineService({
      name: "security",
      contracts: [TokenService],
      setup: () => ({
        rpc: [handlers(TokenService, { ...rest, ...answers } as Handlers<typeof TokenService>)],
      }),
    }),
    rotate: async () => void keys.push(await newKey()),
    issued: () => keys.map(({ issued }) => issued),
  };
}

async function newKey(): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const { kty = "", crv = "", x = "" } = await exportJWK(publicKey);
  return { kid: randomUUID(), privateKey, published: { kty, crv, x }, issued: 0 };
}

/** Makes a service's own key; gives the variable that names its file. */
export async function makeServiceKey(folder: string, service: string): Promise<Record<string, string>> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const file = join(folder, `${service}.json`);
  await writeFile(file, JSON.stringify(await exportJWK(privateKey)));
  return { WEFT_SERVICE_KEY_FILE: file };
}
