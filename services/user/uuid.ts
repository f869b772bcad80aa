const form = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** For ids that no contract has checked, such as those in page tokens. */
export const isUuid = (text: string): boolean => form.test(text);

/** Ids are compared as text, and contracts take them in capitals too (RFC 9562 §4). */
export const canonicalId = (id: string): string => id.toLowerCase();
