import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const algorithm = "aes-256-gcm";
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Answers hold what is for one caller alone, tokens among it, and every service
 * can read the store. So they are stored such that only the same request, by the
 * same caller, opens them again.
 */
export function seal(secret: Buffer, plain: string): Uint8Array {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, secret, nonce);
  const sealed = [cipher.update(plain, "utf8"), cipher.final()];
  return Buffer.concat([nonce, cipher.getAuthTag(), ...sealed]);
}

/** Nothing when it was sealed with another secret, or changed since. */
export function unseal(secret: Buffer, sealed: Uint8Array): string | undefined {
  const head = nonceBytes + tagBytes;
  if (sealed.length < head) return undefined;
  const decipher = createDecipheriv(algorithm, secret, sealed.subarray(0, nonceBytes));
  decipher.setAuthTag(sealed.subarray(nonceBytes, head));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(head)), decipher.final()]).toString("utf8");
  } catch {
    // Its one way to say that the tag does not fit.
    return undefined;
  }
}
