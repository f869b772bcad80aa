import type { WireOutput } from "./wire-output.ts";

const standard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const letters = Buffer.from(standard);
const pad = 61;

const values = new Int8Array(256).fill(-1);
for (const [value, letter] of letters.entries()) values[letter] = value;
// The alphabet of URLs, which proto3 JSON accepts as well.
values[45] = 62;
values[95] = 63;

/** Writes length and bytes; false when the text is not base64. Padding may be left out, but not be wrong. */
export function writeBase64(out: WireOutput, source: Buffer, from: number, to: number): boolean {
  let end = to;
  while (end > from && source[end - 1] === pad && to - end < 2) end -= 1;
  if (end < to && (to - from) % 4 !== 0) return false;
  const count = end - from;
  if (count % 4 === 1) return false;
  const size = Math.floor((count * 3) / 4);
  out.reserve(size + 8);
  out.varint(size);
  const { bytes } = out;
  let { at } = out;
  let held = 0;
  let bits = 0;
  let wrong = 0;
  for (let i = from; i < end; i += 1) {
    const value = values[source[i] as number] as number;
    wrong |= value;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = held >>> bits;
    }
  }
  out.at = at;
  return wrong >= 0;
}

/** Writes standard base64 with padding, as proto3 JSON asks of an answer. */
export function base64Text(out: WireOutput, source: Buffer, from: number, to: number): void {
  out.reserve(Math.ceil((to - from) / 3) * 4);
  const { bytes } = out;
  let { at } = out;
  let i = from;
  for (; i + 2 < to; i += 3) {
    const three =
      ((source[i] as number) << 16) | ((source[i + 1] as number) << 8) | (source[i + 2] as number);
    bytes[at++] = letters[three >>> 18] as number;
    bytes[at++] = letters[(three >>> 12) & 63] as number;
    bytes[at++] = letters[(three >>> 6) & 63] as number;
    bytes[at++] = letters[three & 63] as number;
  }
  if (i < to) {
    const second = i + 1 < to ? (source[i + 1] as number) : 0;
    const rest = ((source[i] as number) << 8) | second;
    bytes[at++] = letters[rest >>> 10] as number;
    bytes[at++] = letters[(rest >>> 4) & 63] as number;
    bytes[at++] = i + 1 < to ? (letters[(rest << 2) & 63] as number) : pad;
    bytes[at++] = pad;
  }
  out.at = at;
}
