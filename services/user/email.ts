/**
 * The form of an address in which accounts are unique. RFC 5321 §2.4 allows
 * local parts that differ by case only, but no provider of note does, and
 * people type their address either way.
 */
export const emailKey = (typed: string): string =>
  // NUL is in no address, but may be in what a login sends, and PostgreSQL refuses it.
  typed.trim().normalize("NFC").toLowerCase().replaceAll("\0", "\ufffd");

/** What stands before the `@`. */
export const localPart = (address: string): string => address.slice(0, Math.max(0, address.lastIndexOf("@")));
