/** PostgreSQL's text holds every character but NUL, which strings on the wire may contain. */
export const storable = (text: string): string => text.replaceAll("\0", "\uFFFD");

/** Ids are compared as text in tokens and keys, and a UUID may be written either way. */
export const canonicalId = (uuid: string): string => uuid.toLowerCase();
