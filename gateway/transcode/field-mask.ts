import type { WireOutput } from "./wire-output.ts";

const comma = 44;
const dot = 46;
const underscore = 95;

const isUpper = (byte: number) => byte >= 65 && byte <= 90;
const isName = (byte: number) =>
  isUpper(byte) || (byte >= 97 && byte <= 122) || (byte >= 48 && byte <= 57) || byte === underscore;

/**
 * Writes `title,author.givenName` as the content of a FieldMask, whose paths
 * are in proto names; false when the text is none. Names with underscores are
 * taken as they are: this surface speaks them everywhere else.
 */
export function writeFieldMask(out: WireOutput, source: Buffer, from: number, to: number): boolean {
  // The worst case: each path of one letter takes a tag, a length and an underscore more.
  out.reserve((to - from) * 4 + 16);
  const { bytes } = out;
  let start = 0;
  let previous = comma;
  for (let at = from; at < to; at += 1) {
    const byte = source[at] as number;
    const first = previous === comma;
    if (byte === comma || byte === dot) {
      if (first || previous === dot) return false;
    } else if (!isName(byte)) return false;
    if (byte === comma) {
      out.close(start);
    } else {
      if (first) {
        bytes[out.at++] = 0x0a;
        start = out.open();
      }
      if (isUpper(byte)) {
        bytes[out.at++] = underscore;
        bytes[out.at++] = byte | 0x20;
      } else bytes[out.at++] = byte;
    }
    previous = byte;
  }
  if (from === to) return true;
  if (previous === comma || previous === dot) return false;
  out.close(start);
  return true;
}
