import * as kinds from "./kinds.ts";
import type { WireOutput } from "./wire-output.ts";

const minus = 45;
const dot = 46;
const zero = 48;
const nine = 57;
const half = 2 ** 32;

/** Fifteen digits are always exact in a double. */
const exactDigits = 15;
const most64Digits = 20;

/**
 * Writes an integer that stands as text. Checked, not coerced: digits with an
 * optional minus, no leading zero, in the range of the kind. Room for ten
 * bytes must be there. False when the text is none.
 */
export function writeInteger(out: WireOutput, kind: number, source: Buffer, from: number, to: number) {
  const negative = source[from] === minus;
  const start = negative ? from + 1 : from;
  const count = to - start;
  if (count < 1 || count > most64Digits || (source[start] === zero && count > 1)) return false;
  let value = 0;
  for (let at = start; at < to; at += 1) {
    const digit = (source[at] as number) - zero;
    if (digit < 0 || digit > 9) return false;
    value = value * 10 + digit;
  }
  if (count <= exactDigits) return writeNumber(out, kind, negative ? -value : value);
  return writeBig(out, kind, BigInt(source.toString("latin1", from, to)));
}

function writeNumber(out: WireOutput, kind: number, value: number): boolean {
  switch (kind) {
    case kinds.INT32:
    case kinds.ENUM:
      if (value < -0x80000000 || value > 0x7fffffff) return false;
      if (value < 0) out.varint64(value, -1);
      else out.varint(value);
      return true;
    case kinds.UINT32:
      if (value < 0 || value > 0xffffffff) return false;
      out.varint(value);
      return true;
    case kinds.SINT32:
      if (value < -0x80000000 || value > 0x7fffffff) return false;
      out.varint(((value << 1) ^ (value >> 31)) >>> 0);
      return true;
    case kinds.FIXED32:
      if (value < 0 || value > 0xffffffff) return false;
      out.fixed32(value);
      return true;
    case kinds.SFIXED32:
      if (value < -0x80000000 || value > 0x7fffffff) return false;
      out.fixed32(value);
      return true;
    case kinds.UINT64:
    case kinds.FIXED64:
      if (value < 0) return false;
      writeHalves(out, kind, value | 0, Math.floor(value / half));
      return true;
    default:
      writeHalves(out, kind, value | 0, Math.floor(value / half));
      return true;
  }
}

const unsigned64 = (kind: number) => kind === kinds.UINT64 || kind === kinds.FIXED64;
const signed64 = (kind: number) => kind === kinds.INT64 || kind === kinds.SINT64 || kind === kinds.SFIXED64;

function writeBig(out: WireOutput, kind: number, value: bigint): boolean {
  if (unsigned64(kind)) {
    if (value < 0n || value > 0xffffffffffffffffn) return false;
  } else if (!signed64(kind) || value < -0x8000000000000000n || value > 0x7fffffffffffffffn) return false;
  writeHalves(out, kind, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  return true;
}

function writeHalves(out: WireOutput, kind: number, low: number, high: number): void {
  if (kind === kinds.SINT64) {
    const sign = high >> 31;
    out.varint64((low << 1) ^ sign, ((high << 1) | (low >>> 31)) ^ sign);
  } else if (kind === kinds.FIXED64 || kind === kinds.SFIXED64) {
    out.fixed32(low);
    out.fixed32(high);
  } else out.varint64(low, high);
}

/** Behind the number of the JSON grammar that starts here; -1 when none does. */
export function numberEnd(source: Buffer, from: number, end: number): number {
  const first = source[from] === minus ? from + 1 : from;
  let at = first < end && source[first] === zero ? first + 1 : digits(source, first, end);
  if (at >= 0 && at < end && source[at] === dot) at = digits(source, at + 1, end);
  if (at >= 0 && at < end && ((source[at] as number) | 0x20) === 0x65) {
    at += 1;
    if (at < end && (source[at] === minus || source[at] === 43)) at += 1;
    at = digits(source, at, end);
  }
  return at;
}

function digits(source: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && (source[at] as number) >= zero && (source[at] as number) <= nine) at += 1;
  return at === from ? -1 : at;
}

const powers = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);

/** The value of a number of the JSON grammar. */
export function toDouble(source: Buffer, from: number, to: number): number {
  // Up to 15 digits over an exact power of ten, one rounding gives the nearest double.
  if (to - from <= exactDigits + 1) {
    let value = 0;
    let scale = -1;
    let at = source[from] === minus ? from + 1 : from;
    for (; at < to; at += 1) {
      const byte = source[at] as number;
      if (byte === dot) scale = 0;
      else if (byte > nine) break;
      else {
        value = value * 10 + (byte - zero);
        if (scale >= 0) scale += 1;
      }
    }
    if (at === to) {
      const size = scale > 0 ? value / (powers[scale] as number) : value;
      return source[from] === minus ? -size : size;
    }
  }
  return Number(source.toString("latin1", from, to));
}

const largestFloat = 3.4028234663852886e38;
const bits = new Float64Array(1);
const bits32 = new Float32Array(bits.buffer);
const raw = new Uint8Array(bits.buffer);

/** Writes a float or double; false when it is out of range. */
export function writeDouble(out: WireOutput, kind: number, value: number): boolean {
  let size = 8;
  if (kind === kinds.FLOAT) {
    if (Number.isFinite(value) && Math.abs(value) > largestFloat) return false;
    bits32[0] = value;
    size = 4;
  } else bits[0] = value;
  const { bytes, at } = out;
  for (let i = 0; i < size; i += 1) bytes[at + i] = raw[i] as number;
  out.at = at + size;
  return true;
}

/** The words that stand for what JSON has no number for. */
export function wordOfFloat(source: Buffer, from: number, to: number): number | undefined {
  const text = to - from > 9 ? "" : source.toString("latin1", from, to);
  if (text === "NaN") return Number.NaN;
  if (text === "Infinity") return Number.POSITIVE_INFINITY;
  return text === "-Infinity" ? Number.NEGATIVE_INFINITY : undefined;
}
