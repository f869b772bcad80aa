/** Bounds of what the cache holds, whatever contracts and callers ask for. */
export const cacheLimits = {
  /** Larger answers, their keys included, are not kept: one would push out hundreds. */
  entryBytes: 256 * 1024,
  /** Longest key: a request that asks for more is answered, and its answer not kept. */
  keyChars: 8 * 1024,
  /** Subjects of events that are listened to, of all contracts together. */
  subjects: 1024,
} as const;
