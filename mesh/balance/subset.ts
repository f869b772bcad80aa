/** Connections of one caller to one callee, at most. */
export const subsetSize = 32;

/**
 * The instances one caller uses: all of a small service, a fixed share of a large
 * one, so that connections do not grow as callers × instances. Rendezvous hashing:
 * each caller ranks the instances by a hash of both, so one that goes is replaced
 * by one other, one that comes replaces at most one, and each instance gets its
 * share of the callers.
 *
 * `caller` must be the id of the calling instance: copies of a service under one
 * name would all choose the same. The order is that of `instances`; a service of no
 * more than `size` gives back the very array.
 */
export function subset<T extends { readonly id: string }>(
  instances: readonly T[],
  caller: string,
  size: number = subsetSize,
): readonly T[] {
  if (instances.length <= size) return instances;
  const seed = hashOf(caller, fnvOffset);
  const ranked = instances.map((instance) => ({ id: instance.id, score: mix(hashOf(instance.id, seed)) }));
  ranked.sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
  const chosen = new Set(ranked.slice(0, size).map(({ id }) => id));
  return instances.filter(({ id }) => chosen.has(id));
}

/** FNV-1a, 32 bits, over UTF-16 units. */
const fnvOffset = 0x811c9dc5;
const fnvPrime = 0x01000193;

function hashOf(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), fnvPrime);
  return hash;
}

/** The last characters move only FNV's low bits; this spreads them (the finisher of MurmurHash3). */
function mix(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
