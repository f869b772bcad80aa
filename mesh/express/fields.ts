import type { Fields } from "../call/metadata.ts";
import { FrameError, wireLimits } from "./frame.ts";
import type { Outbox } from "./outbox.ts";
import type { Reader } from "./reader.ts";

/** Whether the wire takes so many and so large ones. */
export const fieldsFit = (fields: Fields): boolean =>
  !fields || (fields.length / 2 <= wireLimits.fields && sizeOfFields(fields) <= wireLimits.metadataBytes / 2);

/** Most bytes that the fields can take on the wire. */
export function sizeOfFields(fields: Fields): number {
  if (!fields) return 2;
  let size = 2;
  for (const text of fields) size += 2 + text.length * 3;
  return size;
}

export function writeFields(outbox: Outbox, fields: Fields): void {
  outbox.u16(fields ? fields.length / 2 : 0);
  if (fields) for (const text of fields) outbox.text(text);
}

export function readFields(reader: Reader): Fields {
  const count = reader.u16();
  if (count === 0) return undefined;
  if (count > wireLimits.fields) throw new FrameError(`${count} fields; ${wireLimits.fields} are allowed`);
  const fields: string[] = [];
  for (let i = 0; i < count * 2; i++) fields.push(reader.text());
  return fields;
}
