/** PostgreSQL takes any text without NUL. */
export const cleanText = (text: string): string => text.replaceAll("\0", "\u{fffd}");

/** Ids come in capitals too, and are compared with those of the database. */
export const canonicalId = (id: string): string => id.toLowerCase();

/** What others wrote, in a length that a row can bear. */
export const shortText = (text: string, most = 300): string => cleanText(text).slice(0, most);
