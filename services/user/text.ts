import { fail } from "#mesh";

/** A name of one line that can be seen, without the space around it. */
export function requireName(field: string, typed: string): string {
  const name = requireText(field, typed).trim();
  if (!isVisible.test(name)) {
    throw fail.invalid("blank_name", `${field}: must not be blank`, { remedy: "write a name" });
  }
  if (/\p{Cc}/u.test(name))
    throw fail.invalid("bad_text", `${field}: must be one line without control characters`);
  if (turnsAround.test(name)) {
    throw fail.invalid("bad_text", `${field}: must not hold characters that change the direction of text`, {
      remedy: "leave out U+202A to U+202E and U+2066 to U+2069",
    });
  }
  return name;
}

/** Letters that are blank, such as U+3164, are "default ignorable" to Unicode; the empty Braille pattern is not. */
const isVisible = /[^\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Z}\u2800]/u;

/** Overrides and isolates, with which one name is made to look like another (Unicode TR 36, 2.9). */
const turnsAround = /[\u202A-\u202E\u2066-\u2069]/;

/** Text that PostgreSQL can keep: it takes every character but NUL. */
export function requireText(field: string, typed: string): string {
  if (!typed.includes("\0")) return typed;
  throw fail.invalid("bad_text", `${field}: must not hold the character NUL`);
}

/** What somebody typed, as an error shows it: no character of it can act on a terminal or a log. */
export const shown = (typed: string): string =>
  // JSON leaves DEL, the C1 controls and what changes the direction of text as they are.
  JSON.stringify(typed.slice(0, 100)).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
