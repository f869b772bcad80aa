import type { InputField } from "./input-plan.ts";
import { wireTypeOf } from "./kinds.ts";
import { writeText } from "./text-value.ts";
import type { WireOutput } from "./wire-output.ts";

/** Writes one value with the messages around it; those are merged where the message is read. */
export function writeLeaf(
  out: WireOutput,
  fields: readonly InputField[],
  source: Buffer,
  from: number,
  to: number,
  depth = 0,
): boolean {
  const field = fields[depth];
  if (field === undefined) return true;
  out.reserve(32);
  if (depth === fields.length - 1) {
    // One value of a packed list is written as if it were not packed: readers take both.
    out.varint(field.packed ? ((field.desc.number << 3) | wireTypeOf(field.kind)) >>> 0 : field.tag);
    return writeText(out, field, field.kind, source, from, to);
  }
  out.varint(field.tag);
  if (field.delimited) {
    const written = writeLeaf(out, fields, source, from, to, depth + 1);
    out.reserve(8);
    out.varint(field.tag + 1);
    return written;
  }
  const start = out.open();
  const written = writeLeaf(out, fields, source, from, to, depth + 1);
  out.close(start);
  return written;
}
