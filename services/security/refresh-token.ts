import { createHash, randomBytes } from "node:crypto";

/** Lets secret scanners and people recognise a leaked one. */
const prefix = "wr_";
const form = /^wr_[\w-]{43}$/;

export const newRefreshToken = (): string => prefix + randomBytes(32).toString("base64url");

/** How it is stored; nothing for a text that is no refresh token at all. */
export function refreshTokenHash(token: string): Uint8Array | undefined {
  return form.test(token) ? createHash("sha256").update(token).digest() : undefined;
}
