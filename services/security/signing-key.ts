import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { CryptoKey } from "jose";
import { importJWK } from "jose";
import { algorithm, fail } from "#mesh";
import { decrypt, encrypt } from "./master-key.ts";
import type { SigningKeyRow } from "./signing-keys-store.ts";

/** The members of an Ed25519 key in JWK form (RFC 8037 §2). */
const curve = { kty: "OKP", crv: "Ed25519" } as const;

/** A new key to sign with after the present one. */
export function newSigningKey(encryptionKey: Uint8Array, now: Date, longestLifeMs: number): SigningKeyRow {
  const kid = randomBytes(12).toString("base64url");
  const { x = "", d = "" } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  return {
    kid,
    state: "next",
    publicKey: x,
    privateKey: encrypt(encryptionKey, Buffer.from(d, "base64url"), kid),
    createdAt: now,
    activatedAt: null,
    retiredAt: null,
    longestLifeMs: BigInt(longestLifeMs),
  };
}

export async function privateKeyOf(encryptionKey: Uint8Array, row: SigningKeyRow): Promise<CryptoKey> {
  const { kid, publicKey: x, privateKey } = row;
  if (!privateKey) throw fail.internal("no_private_key", `signing key ${kid} is retired`);
  let d: string;
  try {
    d = Buffer.from(decrypt(encryptionKey, privateKey, kid)).toString("base64url");
  } catch (cause) {
    throw fail.precondition(
      "wrong_master_key",
      "the signing keys in the database cannot be decrypted with this SECURITY_MASTER_KEY",
      {
        remedy:
          "start with the key that they were made with; if it is lost, delete the rows of signing_keys, which makes new ones and ends every token",
        cause,
      },
    );
  }
  return (await importJWK({ ...curve, x, d }, algorithm)) as CryptoKey;
}

export async function publicKeyOf({ publicKey: x }: SigningKeyRow): Promise<CryptoKey> {
  return (await importJWK({ ...curve, x }, algorithm)) as CryptoKey;
}

/** As the key set shows it (RFC 7517 §4). */
export function publishedForm({ kid, publicKey: x }: SigningKeyRow) {
  return { ...curve, x, kid, alg: algorithm, use: "sig" };
}
