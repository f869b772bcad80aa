import { ECDH } from "node:crypto";

const [pointBytes, secretBytes] = [65, 16];

/** Whether a message can be encrypted for whoever has them (RFC 8291 §2): a point of the curve, and a secret. */
export function arePushKeys(p256dh: string, auth: string): boolean {
  const point = Buffer.from(p256dh, "base64url");
  if (point.length !== pointBytes || Buffer.from(auth, "base64url").length !== secretBytes) return false;
  try {
    ECDH.convertKey(point, "prime256v1");
    return true;
  } catch {
    // Not on the curve.
    return false;
  }
}
