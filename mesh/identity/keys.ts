import type { Client } from "@connectrpc/connect";
import type { CryptoKey, JWK } from "jose";
import { importJWK } from "jose";
import type { TokenService } from "#gen/security/v1/tokens_pb.js";
import { fail } from "../errors.ts";
import { algorithm } from "./tokens.ts";

/** Finds the issuer's public key of this id. */
export type KeySource = (kid: string) => Promise<CryptoKey>;

export interface KeySourceOptions {
  /** Asks the issuer for its current public keys. */
  fetch: () => Promise<readonly JWK[]>;
  /** Least time between two questions. Default 5 s: unknown ids are cheap to invent. */
  cooldownMs?: number;
  now?: () => number;
}

/**
 * Keeps the issuer's keys. They are asked for only when a token names an
 * unknown one, so an issuer that is away stops nobody who was known before.
 */
export function createKeySource({ fetch, cooldownMs = 5000, now = Date.now }: KeySourceOptions): KeySource {
  let keys = new Map<string, CryptoKey>();
  let lastAsked = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;

  const refresh = async () => {
    const found = await fetch();
    const fresh = new Map<string, CryptoKey>();
    for (const jwk of found.filter(isOurs)) {
      fresh.set(jwk.kid ?? "", (await importJWK(jwk, algorithm)) as CryptoKey);
    }
    keys = fresh;
    lastAsked = now();
  };

  return async (kid) => {
    const known = keys.get(kid);
    if (known) return known;
    if (now() - lastAsked >= cooldownMs) {
      asking ??= refresh().finally(() => {
        asking = undefined;
      });
      await asking.catch((cause: unknown) => {
        throw fail.unavailable(
          "issuer_unavailable",
          "the token cannot be verified now: its issuer does not answer",
          {
            retryAfterMs: 1000,
            cause,
          },
        );
      });
    }
    const key = keys.get(kid);
    if (!key) throw fail.unauthenticated("bad_token", "the token is signed with an unknown key");
    return key;
  };
}

/** The keys of this issuer. */
export const createIssuerKeys = (issuer: Pick<Client<typeof TokenService>, "getKeySet">): KeySource =>
  createKeySource({
    // By name: what a message has beside its fields is no part of a key.
    fetch: async () =>
      (await issuer.getKeySet({})).keys.map(({ kty, crv, x, kid, alg, use }) => ({
        kty,
        crv,
        x,
        kid,
        alg,
        use,
      })),
  });

/** Keys of other kinds are passed over (RFC 7517 §5): one must not make the others useless. */
const isOurs = ({ kty, crv, x }: JWK) => kty === "OKP" && crv === "Ed25519" && x !== undefined;
