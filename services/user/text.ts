import { fail } from "#mesh";

/** A name of one line, without the space around it. */
export function requireName(field: string, typed: string): string {
  const name = requireText(field, typed).trim();
  if (!name) throw fail.invalid("blank_name", `${field}: must not be blank`, { remedy: "write a name" });
  if (/\p{Cc}/u.test(name))
    throw fail.invalid("bad_text", `${field}: must be one line without control characters`);
  return name;
}

/** Text that PostgreSQL can keep: it takes every character but NUL. */
export function requireText(field: string, typed: string): string {
  if (!typed.includes("\0")) return typed;
  throw fail.invalid("bad_text", `${field}: must not hold the character NUL`);
}
