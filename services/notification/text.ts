/** PostgreSQL takes any text without NUL, and in JSON no half of a character either. */
export const cleanText = (text: string): string => text.replaceAll("\0", "\u{fffd}").toWellFormed();

/** Ids are compared as text, and contracts take them in capitals too (RFC 9562 §4). */
export const canonicalId = (id: string): string => id.toLowerCase();

/** For places of one line, such as the subject of an e-mail. */
export const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();

/** Without half a character at the end. */
export const clip = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…`;
