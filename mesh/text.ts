/** Text that PostgreSQL takes: it has no room for NUL, and in JSON none for half a character. */
export const cleanText = (text: string): string => text.replaceAll("\0", "\u{fffd}").toWellFormed();
