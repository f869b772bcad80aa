import { FrameError, wireLimits } from "./frame.ts";
import type { Outbox } from "./outbox.ts";
import type { Reader } from "./reader.ts";

/** Names and values in turn, as they came; `undefined` for none. */
export type Fields = readonly string[] | undefined;

/** Metadata as the wire takes it. */
export function fieldsOf(headers: Headers | undefined): Fields {
  if (!headers) return undefined;
  const fields: string[] = [];
  for (const [name, value] of headers) fields.push(name, value);
  return fields.length > 0 ? fields : undefined;
}

/** What a peer sends that HTTP could not carry is left out: whoever looks must not fail for it. */
export function headersOf(fields: Fields): Headers {
  const headers = new Headers();
  if (!fields) return headers;
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [name = "", value = ""] = [fields[i], fields[i + 1]];
    if (isName.test(name) && isFieldValue(value)) headers.append(name, value);
  }
  return headers;
}

/** RFC 9110 §5.1 and §5.5, as `Headers` takes them: a character is a byte. */
const isName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const isValue = /^[^\0\n\r\u0100-\uffff]*$/;

/** Whether HTTP could carry this as the value of a field. */
export const isFieldValue = (value: string): boolean => isValue.test(value);

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
