/**
 * Forgets the oldest entries of a map until there is room for one more. A map
 * keeps the order of insertion, so the first is the one that was set longest ago.
 */
export function makeRoom<K>(entries: Map<K, unknown>, most: number): void {
  for (const oldest of entries.keys()) {
    if (entries.size < most) return;
    entries.delete(oldest);
  }
}
