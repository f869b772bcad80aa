const percent = 37;
const plus = 43;

function hex(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 0x20;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/**
 * Decodes a part of a query into bytes, `+` as a space; there are never more
 * bytes than letters. The count of bytes, or -1 for a `%` without two
 * hexadecimal digits or a letter that is not ASCII.
 */
export function decodePercent(target: Buffer, text: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 0x80) return -1;
    if (code === percent) {
      if (at + 2 >= to) return -1;
      const high = hex(text.charCodeAt(at + 1));
      const low = hex(text.charCodeAt(at + 2));
      if (high < 0 || low < 0) return -1;
      target[count++] = high * 16 + low;
      at += 2;
    } else target[count++] = code === plus ? 0x20 : code;
  }
  return count;
}
