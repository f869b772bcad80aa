/** Ids are compared as text, and contracts take them in capitals too (RFC 9562 §4). */
export const canonicalId = (id: string): string => id.toLowerCase();
