/** Names and values in turn, as they came; `undefined` for none. */
export type Fields = readonly string[] | undefined;

/** Metadata as the wire takes it. */
export function fieldsOf(headers: Headers | undefined): Fields {
  if (!headers) return undefined;
  const fields: string[] = [];
  for (const [name, value] of headers) fields.push(name, value);
  return fields.length > 0 ? fields : undefined;
}

/** The first field of this name, in small letters as it came. */
export function fieldOf(fields: Fields, name: string): string | undefined {
  if (!fields) return undefined;
  for (let at = 0; at + 1 < fields.length; at += 2) if (fields[at] === name) return fields[at + 1];
  return undefined;
}

export function eachField(fields: Fields, each: (name: string, value: string) => void): void {
  if (!fields) return;
  for (let at = 0; at + 1 < fields.length; at += 2) each(fields[at] ?? "", fields[at + 1] ?? "");
}

/** What a peer sends that HTTP could not carry is left out: whoever looks must not fail for it. */
export function headersOf(fields: Fields): Headers {
  const headers = new Headers();
  eachField(fields, (name, value) => {
    if (isName.test(name) && isFieldValue(value)) headers.append(name, value);
  });
  return headers;
}

/** RFC 9110 §5.1 and §5.5, as `Headers` takes them: a character is a byte. */
const isName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const isValue = /^[^\0\n\r\u0100-\uffff]*$/;

/** Whether HTTP could carry this as the value of a field. */
export const isFieldValue = (value: string): boolean => isValue.test(value);
