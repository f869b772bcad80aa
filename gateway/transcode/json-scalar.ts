import type { InputField } from "./input-plan.ts";
import type { JsonScan } from "./json-scan.ts";
import { quote } from "./json-scan.ts";
import * as kinds from "./kinds.ts";
import { toDouble, writeDouble, writeInteger } from "./numbers.ts";
import { writeEnumNumber, writeText } from "./text-value.ts";
import type { WireOutput } from "./wire-output.ts";

/**
 * Reads a number, or a string of a certain form, of which the first byte was
 * seen. False, with the scan where it was, when it is none for this kind.
 */
export function readScalar(
  scan: JsonScan,
  out: WireOutput,
  field: InputField,
  kind: kinds.Kind,
  byte: number,
): boolean {
  const from = scan.at;
  let written = false;
  if (byte === quote) {
    scan.string();
    // An enum in quotes is a name, and a number that is none.
    written =
      (kind !== kinds.ENUM || field.enumNames?.lookUp(scan.text, scan.from, scan.to) !== undefined) &&
      writeText(out, field, kind, scan.text, scan.from, scan.to);
  } else if (byte === 0x2d || (byte >= 48 && byte <= 57)) {
    scan.number();
    written = writeToken(out, field, kind, scan.source, from, scan.at);
  }
  if (!written) scan.at = from;
  return written;
}

function writeToken(
  out: WireOutput,
  field: InputField,
  kind: kinds.Kind,
  source: Buffer,
  from: number,
  to: number,
): boolean {
  switch (kind) {
    case kinds.DOUBLE:
    case kinds.FLOAT: {
      const value = toDouble(source, from, to);
      return Number.isFinite(value) && writeDouble(out, kind, value);
    }
    case kinds.ENUM:
      return writeEnumNumber(out, field, source, from, to);
    case kinds.BYTES:
    case kinds.TIMESTAMP:
    case kinds.DURATION:
    case kinds.FIELD_MASK:
      return false;
    default:
      return writeInteger(out, kind, source, from, to);
  }
}
