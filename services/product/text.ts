/** PostgreSQL takes any text without NUL. */
export const cleanText = (text: string): string => text.replaceAll("\0", "\u{fffd}");
