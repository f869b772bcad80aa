import { fail } from "#mesh/errors.ts";

const newline = 10;

/** Cuts chunks into lines, of which none may be longer than this. Lines that are blank are left out. */
export async function* linesOf(
  next: () => Promise<Buffer | undefined>,
  maxBytes: number,
): AsyncGenerator<Buffer, void> {
  let parts: Buffer[] = [];
  let size = 0;
  const whole = (last: Buffer): Buffer => {
    const line = parts.length === 0 ? last : Buffer.concat([...parts, last]);
    parts = [];
    size = 0;
    return line;
  };
  for (;;) {
    const chunk = await next();
    if (!chunk) break;
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(newline, start);
      const piece = chunk.subarray(start, end < 0 ? chunk.length : end);
      if (size + piece.length > maxBytes) throw tooLong(maxBytes);
      if (end < 0) {
        if (piece.length > 0) parts.push(piece);
        size += piece.length;
        break;
      }
      const line = whole(piece);
      if (!isBlank(line)) yield line;
      start = end + 1;
    }
  }
  const last = whole(Buffer.alloc(0));
  if (!isBlank(last)) yield last;
}

/** A carriage return before the end is white space to JSON. */
function isBlank(line: Buffer): boolean {
  for (const byte of line) if (byte !== 32 && byte !== 9 && byte !== 13) return false;
  return true;
}

const tooLong = (maxBytes: number) =>
  fail.exhausted("body_too_large", `a line has more than ${maxBytes} bytes`, {
    remedy: "each line is one message; send smaller ones",
  });
