import type { ECDH } from "node:crypto";
import { createDecipheriv, hkdfSync } from "node:crypto";

const [saltBytes, keyBytes, nonceBytes, tagBytes] = [16, 16, 12, 16];

/**
 * What a browser reads of a message that was encrypted for it (RFC 8291, on
 * RFC 8188). Written here, so that what the services' library writes is judged by other code.
 */
export function decryptPush(body: Buffer, browser: ECDH, auth: Buffer): Buffer {
  const salt = body.subarray(0, saltBytes);
  const recordBytes = body.readUInt32BE(saltBytes);
  const idBytes = body.readUInt8(saltBytes + 4);
  const senderKey = body.subarray(saltBytes + 5, saltBytes + 5 + idBytes);
  const record = body.subarray(saltBytes + 5 + idBytes);
  if (record.length > recordBytes) throw new Error("a push message is one record");

  const info = Buffer.concat([Buffer.from("WebPush: info\0"), browser.getPublicKey(), senderKey]);
  const material = derive(browser.computeSecret(senderKey), auth, info, 32);
  const key = derive(material, salt, "Content-Encoding: aes128gcm\0", keyBytes);
  const nonce = derive(material, salt, "Content-Encoding: nonce\0", nonceBytes);

  const decipher = createDecipheriv("aes-128-gcm", key, nonce);
  decipher.setAuthTag(record.subarray(-tagBytes));
  const padded = Buffer.concat([decipher.update(record.subarray(0, -tagBytes)), decipher.final()]);
  // The last record ends with a 2 and zeros (RFC 8188 §2).
  const end = padded.findLastIndex((byte) => byte !== 0);
  if (padded[end] !== 2) throw new Error("its padding is none");
  return padded.subarray(0, end);
}

const derive = (material: Buffer, salt: Buffer, info: Buffer | string, bytes: number): Buffer =>
  Buffer.from(hkdfSync("sha256", material, salt, info, bytes));
