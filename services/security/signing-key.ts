import { createHmac, generateKeyPairSync, randomBytes, timingSafeEqual } from "node:crypto";
import type { CryptoKey } from "jose";
import { importJWK } from "jose";
import { algorithm, fail } from "#mesh";
import { decrypt, encrypt } from "./master-key.ts";
import type { SigningKeyRow } from "./signing-keys-store.ts";

/** The members of an Ed25519 key in JWK form (RFC 8037 §2). */
const curve = { kty: "OKP", crv: "Ed25519" } as const;

/** What keeps rows safe from whoever can read or write the database. */
export interface RowKeys {
  /** Encrypts private keys. */
  readonly encryption: Uint8Array;
  /** Seals public keys. */
  readonly seal: Uint8Array;
}

/** A new key to sign with after the present one. */
export function newSigningKey(keys: RowKeys, now: Date, longestLifeMs: number): SigningKeyRow {
  const kid = randomBytes(12).toString("base64url");
  const { x = "", d = "" } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  return {
    kid,
    state: "next",
    publicKey: x,
    privateKey: encrypt(keys.encryption, Buffer.from(d, "base64url"), kid),
    seal: sealOf(keys.seal, kid, x),
    createdAt: now,
    activatedAt: null,
    retiredAt: null,
    longestLifeMs: BigInt(longestLifeMs),
  };
}

function sealOf(sealKey: Uint8Array, kid: string, x: string): Uint8Array {
  return createHmac("sha256", sealKey)
    .update(JSON.stringify([kid, x]))
    .digest();
}

/** Is this row's public key one that we made? */
export function isOurs(sealKey: Uint8Array, { kid, publicKey, seal }: SigningKeyRow): boolean {
  const right = sealOf(sealKey, kid, publicKey);
  return seal.length === right.length && timingSafeEqual(seal, right);
}

export async function privateKeyOf(encryptionKey: Uint8Array, row: SigningKeyRow): Promise<CryptoKey> {
  const d = privatePartOf(encryptionKey, row);
  return (await importJWK({ ...curve, x: row.publicKey, d }, algorithm)) as CryptoKey;
}

/** Member `d` of the JWK; throws when the master key is another one. */
export function privatePartOf(encryptionKey: Uint8Array, { kid, privateKey }: SigningKeyRow): string {
  if (!privateKey) throw fail.internal("no_private_key", `signing key ${kid} is retired`);
  try {
    return Buffer.from(decrypt(encryptionKey, privateKey, kid)).toString("base64url");
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
}

export async function publicKeyOf({ publicKey: x }: SigningKeyRow): Promise<CryptoKey> {
  return (await importJWK({ ...curve, x }, algorithm)) as CryptoKey;
}

/** As the key set shows it (RFC 7517 §4). */
export function publishedForm({ kid, publicKey: x }: SigningKeyRow) {
  return { ...curve, x, kid, alg: algorithm, use: "sig" };
}
