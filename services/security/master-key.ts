import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { BadValue } from "#mesh";

const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;
const cipher = "aes-256-gcm";

/** Reads 32 bytes in base64, base64url or hex. */
export function parseMasterKey(value: string): Uint8Array {
  const isHex = /^[0-9a-f]+$/i.test(value) && value.length === 2 * keyBytes;
  if (!isHex && !/^[\w+/-]+={0,2}$/.test(value)) {
    throw new BadValue("must be 32 bytes in base64 or hex: make one with `openssl rand -base64 32`");
  }
  const key = Buffer.from(value, isHex ? "hex" : "base64");
  if (key.length !== keyBytes) {
    throw new BadValue(
      `must be ${keyBytes} bytes but is ${key.length}: make one with \`openssl rand -base64 32\``,
    );
  }
  return key;
}

/**
 * A key for one purpose. Purposes must not share a key, so that what one use
 * gives away is worth nothing to another (RFC 5869 §3.2).
 */
export function deriveKey(master: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(
    hkdfSync("sha256", master, new Uint8Array(0), `weft security ${purpose} v1`, keyBytes),
  );
}

/** Encrypts; `name` is what the secret belongs to and must be the same when it is decrypted. */
export function encrypt(key: Uint8Array, secret: Uint8Array, name: string): Uint8Array {
  const iv = randomBytes(ivBytes);
  const encryption = createCipheriv(cipher, key, iv).setAAD(Buffer.from(name));
  const body = Buffer.concat([encryption.update(secret), encryption.final()]);
  return Buffer.concat([iv, encryption.getAuthTag(), body]);
}

/** Throws when the key or the name is another one, or the bytes were changed. */
export function decrypt(key: Uint8Array, sealed: Uint8Array, name: string): Uint8Array {
  const iv = sealed.subarray(0, ivBytes);
  const tag = sealed.subarray(ivBytes, ivBytes + tagBytes);
  const decryption = createDecipheriv(cipher, key, iv, { authTagLength: tagBytes })
    .setAAD(Buffer.from(name))
    .setAuthTag(tag);
  return Buffer.concat([decryption.update(sealed.subarray(ivBytes + tagBytes)), decryption.final()]);
}
