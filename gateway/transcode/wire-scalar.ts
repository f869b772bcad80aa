import { copy, doubleText, floatText, integerText, longText, naturalText } from "./json-text.ts";
import * as kinds from "./kinds.ts";
import { fractionText, isTime, longestDuration, timestampText } from "./time-text.ts";
import type { WireOutput } from "./wire-output.ts";
import type { WireScan } from "./wire-scan.ts";
import { Broken } from "./wire-scan.ts";

const quote = 0x22;

const bits = new Float64Array(1);
const bits32 = new Float32Array(bits.buffer);
const halves = new Int32Array(bits.buffer);

const trueText = Buffer.from("true");
const falseText = Buffer.from("false");

/** Kinds that are text in JSON, since a double would lose their digits. */
export const isLong = (kind: kinds.Kind): boolean =>
  kind === kinds.INT64 ||
  kind === kinds.UINT64 ||
  kind === kinds.SINT64 ||
  kind === kinds.FIXED64 ||
  kind === kinds.SFIXED64;

/** Reads a number or bool and writes it as JSON. Room for it must be there. */
export function scalarText(out: WireOutput, scan: WireScan, kind: kinds.Kind): void {
  switch (kind) {
    case kinds.INT32:
      integerText(out, scan.varint() | 0);
      return;
    case kinds.UINT32:
      naturalText(out, scan.varint());
      return;
    case kinds.SINT32: {
      const folded = scan.varint();
      integerText(out, (folded >>> 1) ^ -(folded & 1));
      return;
    }
    case kinds.FIXED32:
      naturalText(out, scan.fixed32() >>> 0);
      return;
    case kinds.SFIXED32:
      integerText(out, scan.fixed32());
      return;
    case kinds.BOOL:
      scan.varint64();
      copy(out, (scan.low | scan.high) === 0 ? falseText : trueText);
      return;
    case kinds.DOUBLE:
      halves[0] = scan.fixed32();
      halves[1] = scan.fixed32();
      doubleText(out, bits[0] as number);
      return;
    case kinds.FLOAT:
      halves[0] = scan.fixed32();
      floatText(out, bits32[0] as number);
      return;
    default:
      longScalarText(out, scan, kind);
  }
}

function longScalarText(out: WireOutput, scan: WireScan, kind: kinds.Kind): void {
  if (kind === kinds.FIXED64 || kind === kinds.SFIXED64) scan.fixed64();
  else scan.varint64();
  let { low, high } = scan;
  if (kind === kinds.SINT64) {
    const sign = -(low & 1);
    low = ((low >>> 1) | (high << 31)) ^ sign;
    high = (high >>> 1) ^ sign;
  }
  out.bytes[out.at++] = quote;
  longText(out, low, high, kind !== kinds.UINT64 && kind !== kinds.FIXED64);
  out.bytes[out.at++] = quote;
}

/** Reads a Timestamp or Duration, seconds and nanoseconds as fields 1 and 2, and writes it as JSON. */
export function timeText(out: WireOutput, scan: WireScan, kind: kinds.Kind, end: number): void {
  let seconds = 0;
  let nanos = 0;
  while (scan.at < end) {
    const tag = scan.varint();
    if (tag !== 0x08 && tag !== 0x10) scan.skip(tag & 7, tag >>> 3, end);
    else {
      scan.varint64();
      if (tag === 0x08) seconds = scan.high * 2 ** 32 + (scan.low >>> 0);
      else nanos = scan.low;
    }
  }
  if (scan.at !== end) throw new Broken("a time is longer than it says");
  out.bytes[out.at++] = quote;
  if (kind === kinds.TIMESTAMP) {
    if (!isTime(seconds) || nanos < 0 || nanos > 999_999_999) throw new Broken("a time is out of range");
    timestampText(out, seconds, nanos);
  } else {
    const far = Math.abs(seconds) > longestDuration || Math.abs(nanos) > 999_999_999;
    if (far || (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0)) {
      throw new Broken("a duration is out of range");
    }
    if (seconds < 0 || nanos < 0) out.bytes[out.at++] = 0x2d;
    naturalText(out, Math.abs(seconds));
    fractionText(out, Math.abs(nanos));
    out.bytes[out.at++] = 0x73;
  }
  out.bytes[out.at++] = quote;
}
