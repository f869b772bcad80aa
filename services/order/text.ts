/** PostgreSQL takes any text without NUL, and in JSON no half of a character either. */
export const cleanText = (text: string): string => text.replaceAll("\0", "\u{fffd}").toWellFormed();

/** Ids are compared as text, and contracts take them in capitals too (RFC 9562 §4). */
export const canonicalId = (id: string): string => id.toLowerCase();
