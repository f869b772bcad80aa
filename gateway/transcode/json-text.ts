import type { WireOutput } from "./wire-output.ts";

const zero = 48;
const minus = 45;
const quote = 0x22;
const backslash = 0x5c;
const billion = 1_000_000_000;
const half = 2 ** 32;

/** How a byte below 0x20, a quote or a backslash stands in JSON. */
const escaped = Array.from({ length: 0x5d }, (_, byte) =>
  byte < 0x20 || byte === quote || byte === backslash
    ? Buffer.from(JSON.stringify(String.fromCharCode(byte)).slice(1, -1))
    : undefined,
);

/** Copies bytes that need no look at. Room must be there. */
export function copy(out: WireOutput, text: Buffer): void {
  const { bytes, at } = out;
  const { length } = text;
  for (let i = 0; i < length; i += 1) bytes[at + i] = text[i] as number;
  out.at = at + length;
}

/** Writes a string in quotes, escaped; true when all of it is ASCII. What is UTF-8 stays as it is. */
export function stringText(out: WireOutput, source: Buffer, from: number, to: number): boolean {
  out.reserve((to - from) * 6 + 2);
  const { bytes } = out;
  let { at } = out;
  let all = 0;
  bytes[at++] = quote;
  for (let i = from; i < to; i += 1) {
    const byte = source[i] as number;
    if (byte < 0x20 || byte === quote || byte === backslash) {
      const text = escaped[byte] as Buffer;
      for (let j = 0; j < text.length; j += 1) bytes[at++] = text[j] as number;
    } else {
      bytes[at++] = byte;
      all |= byte;
    }
  }
  bytes[at++] = quote;
  out.at = at;
  return all < 0x80;
}

/** Writes a natural number below 2^53. */
export function naturalText(out: WireOutput, value: number): void {
  if (value < 10) {
    out.bytes[out.at++] = zero + value;
    return;
  }
  if (value >= billion) {
    const high = Math.floor(value / billion);
    naturalText(out, high);
    paddedText(out, value - high * billion, 9);
    return;
  }
  let count = 2;
  for (let limit = 100; limit <= value; limit *= 10) count += 1;
  paddedText(out, value, count);
}

function paddedText(out: WireOutput, value: number, count: number): void {
  const { bytes, at } = out;
  let rest = value | 0;
  for (let i = count - 1; i >= 0; i -= 1) {
    const next = (rest / 10) | 0;
    bytes[at + i] = zero + (rest - next * 10);
    rest = next;
  }
  out.at = at + count;
}

/** Writes an integer between -2^53 and 2^53. */
export function integerText(out: WireOutput, value: number): void {
  if (value < 0) out.bytes[out.at++] = minus;
  naturalText(out, value < 0 ? -value : value);
}

/** Writes all digits of 64 bits that are given in two halves. */
export function longText(out: WireOutput, low: number, high: number, signed: boolean): void {
  const top = signed ? high | 0 : high >>> 0;
  if (top >= -0x200000 && top < 0x200000) integerText(out, top * half + (low >>> 0));
  else asciiText(out, ((BigInt(top) << 32n) | BigInt(low >>> 0)).toString());
}

function asciiText(out: WireOutput, text: string): void {
  const { bytes, at } = out;
  for (let i = 0; i < text.length; i += 1) bytes[at + i] = text.charCodeAt(i);
  out.at = at + text.length;
}

/** Writes a double as the shortest number that reads back as it. */
export function doubleText(out: WireOutput, value: number): void {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) {
    if (value < 0 || Object.is(value, -0)) out.bytes[out.at++] = minus;
    naturalText(out, Math.abs(value));
  } else if (Number.isFinite(value)) asciiText(out, String(value));
  else asciiText(out, `"${value}"`);
}

/** Writes a float without the digits that only a double would have: 0.1 and not 0.10000000149011612. */
export function floatText(out: WireOutput, value: number): void {
  if (Number.isInteger(value) || !Number.isFinite(value)) {
    doubleText(out, value);
    return;
  }
  // Nine digits tell all floats apart, and six are always right.
  for (let digits = 6; digits < 9; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) {
      asciiText(out, String(short));
      return;
    }
  }
  asciiText(out, String(Number(value.toPrecision(9))));
}
