import { writeBase64 } from "./base64.ts";
import { writeFieldMask } from "./field-mask.ts";
import type { InputField } from "./input-plan.ts";
import * as kinds from "./kinds.ts";
import { numberEnd, toDouble, wordOfFloat, writeDouble, writeInteger } from "./numbers.ts";
import { writeDuration, writeTimestamp } from "./time-text.ts";
import type { WireOutput } from "./wire-output.ts";

/**
 * Writes a value that stands as bare text, be it inside the quotes of JSON, in
 * a path or in a query. False when the text is none of its kind. Strings of
 * JSON do not come here: they are copied as they are scanned.
 */
export function writeText(
  out: WireOutput,
  field: InputField,
  kind: kinds.Kind,
  source: Buffer,
  from: number,
  to: number,
): boolean {
  out.reserve(48);
  switch (kind) {
    case kinds.STRING:
      out.reserve(to - from + 8);
      out.varint(to - from);
      source.copy(out.bytes, out.at, from, to);
      out.at += to - from;
      return true;
    case kinds.BYTES:
      return writeBase64(out, source, from, to);
    case kinds.BOOL:
      return writeBool(out, source, from, to);
    case kinds.FLOAT:
    case kinds.DOUBLE:
      return writeFloat(out, kind, source, from, to);
    case kinds.ENUM:
      return writeEnum(out, field, source, from, to);
    case kinds.TIMESTAMP:
    case kinds.DURATION:
    case kinds.FIELD_MASK: {
      const start = out.open();
      const written =
        kind === kinds.TIMESTAMP
          ? writeTimestamp(out, source, from, to)
          : kind === kinds.DURATION
            ? writeDuration(out, source, from, to)
            : writeFieldMask(out, source, from, to);
      out.close(start);
      return written;
    }
    case kinds.WRAPPER: {
      const start = out.open();
      out.varint(8 | kinds.wireTypeOf(field.inner));
      const written = writeText(out, field, field.inner, source, from, to);
      out.close(start);
      return written;
    }
    default:
      return writeInteger(out, kind, source, from, to);
  }
}

function writeBool(out: WireOutput, source: Buffer, from: number, to: number): boolean {
  const text = to - from > 5 ? "" : source.toString("latin1", from, to);
  if (text !== "true" && text !== "false") return false;
  out.bytes[out.at++] = text === "true" ? 1 : 0;
  return true;
}

function writeFloat(out: WireOutput, kind: kinds.Kind, source: Buffer, from: number, to: number): boolean {
  const word = wordOfFloat(source, from, to);
  if (word !== undefined) return writeDouble(out, kind, word);
  if (from === to || numberEnd(source, from, to) !== to) return false;
  const value = toDouble(source, from, to);
  return Number.isFinite(value) && writeDouble(out, kind, value);
}

/** By name, or by number where the text is one. */
function writeEnum(out: WireOutput, field: InputField, source: Buffer, from: number, to: number): boolean {
  const named = field.enumNames?.lookUp(source, from, to);
  if (named === undefined) return writeEnumNumber(out, field, source, from, to);
  if (named < 0) out.varint64(named, -1);
  else out.varint(named);
  return true;
}

export function writeEnumNumber(
  out: WireOutput,
  field: InputField,
  source: Buffer,
  from: number,
  to: number,
): boolean {
  if (field.enumNumbers && !field.enumNumbers.has(Number(source.toString("latin1", from, to)))) return false;
  return writeInteger(out, kinds.ENUM, source, from, to);
}
