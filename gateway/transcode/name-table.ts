/** Start of the hash that whoever scans a name computes on the way. */
export const hashStart = 7;
export const hashStep = (hash: number, byte: number): number => (Math.imul(hash, 31) + byte) | 0;

interface Entry<T> {
  readonly bytes: Buffer;
  readonly hash: number;
  readonly value: T;
  readonly next: Entry<T> | undefined;
}

/** Finds a value by a name that stands as bytes in a buffer, without making a string of it. */
export class NameTable<T> {
  readonly #slots: (Entry<T> | undefined)[];
  readonly #mask: number;

  /** The first of two equal names wins. */
  constructor(names: Iterable<readonly [string, T]>) {
    const distinct = new Map<string, T>();
    for (const [name, value] of names) if (!distinct.has(name)) distinct.set(name, value);
    let size = 4;
    while (size < distinct.size * 2) size *= 2;
    this.#mask = size - 1;
    this.#slots = Array.from({ length: size }, () => undefined);
    for (const [name, value] of distinct) {
      const bytes = Buffer.from(name);
      const hash = bytes.reduce(hashStep, hashStart);
      const slot = hash & this.#mask;
      this.#slots[slot] = { bytes, hash, value, next: this.#slots[slot] };
    }
  }

  find(source: Buffer, from: number, to: number, hash: number): T | undefined {
    let entry = this.#slots[hash & this.#mask];
    while (entry !== undefined) {
      if (entry.hash === hash && same(entry.bytes, source, from, to)) return entry.value;
      entry = entry.next;
    }
    return undefined;
  }

  /** For a name whose hash is not known. */
  lookUp(source: Buffer, from: number, to: number): T | undefined {
    let hash = hashStart;
    for (let at = from; at < to; at += 1) hash = hashStep(hash, source[at] as number);
    return this.find(source, from, to, hash);
  }
}

function same(bytes: Buffer, source: Buffer, from: number, to: number): boolean {
  const { length } = bytes;
  if (to - from !== length) return false;
  for (let i = 0; i < length; i += 1) if (bytes[i] !== source[from + i]) return false;
  return true;
}
