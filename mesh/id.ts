import { createHash, randomFillSync } from "node:crypto";

/** Random bytes are fetched for many ids at once: one at a time costs more than all else of an id. */
const pool = Buffer.allocUnsafeSlow(4096);
let used = pool.length;

const digits = Buffer.from("0123456789abcdef");
/** The text of an id, written over for each. */
const text = Buffer.from("00000000-0000-7000-0000-000000000000");
/** Where in it the random bytes go, from the seventh on; the time goes before. */
const randomAt = [16, 21, 24, 26, 28, 30, 32, 34] as const;

/** Any UUID in its usual form (RFC 9562 §4). */
export const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Ids are compared as text, and contracts take them in capitals too (RFC 9562 §4). */
export const canonicalId = (id: string): string => id.toLowerCase();

/** A UUIDv7 (RFC 9562 §5.7): sorts by time of creation, so indexes grow at one end. */
export function newId(nowMs: number = Date.now()): string {
  if (used + 10 > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  let high = Math.floor(nowMs / 65_536);
  let low = nowMs % 65_536;
  for (let at = 7; at >= 0; at--) {
    text[at] = digits[high & 15] ?? 0;
    high >>>= 4;
  }
  for (let at = 12; at >= 9; at--) {
    text[at] = digits[low & 15] ?? 0;
    low >>>= 4;
  }
  const version = pool[used++] ?? 0;
  text[15] = digits[version & 15] ?? 0;
  const variant = pool[used++] ?? 0;
  text[19] = digits[8 | (variant & 3)] ?? 0;
  text[20] = digits[(variant >>> 2) & 15] ?? 0;
  for (const at of randomAt) {
    const byte = pool[used++] ?? 0;
    text[at] = digits[byte >>> 4] ?? 0;
    text[at + 1] = digits[byte & 15] ?? 0;
  }
  return text.toString("latin1");
}

/** The id that belongs to these words, a UUIDv8 (RFC 9562 §5.8): the same for the same words, and nobody else's. */
export function derivedId(words: string): string {
  const hex = createHash("sha256").update(words).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
