import { createHmac, timingSafeEqual } from "node:crypto";

/** What was done, by whom, to what, and how it ended. */
export interface Entry {
  readonly service: string;
  readonly actor: string;
  readonly action: string;
  readonly resource: string;
  /** Number of security.v1.Outcome. */
  readonly outcome: number;
  readonly requestId: string;
  readonly details: Readonly<Record<string, string>>;
}

export interface PlacedEntry extends Entry {
  readonly sequence: bigint;
  readonly time: Date;
}

export interface SealedEntry extends PlacedEntry {
  readonly seal: Uint8Array;
}

/** The last entry, as far as the next one cares. */
export interface Head {
  readonly sequence: bigint;
  readonly seal: Uint8Array;
}

/** Where a record begins; its id keeps it from being exchanged for another one. */
export function genesis(key: Uint8Array, recordId: string): Head {
  return { sequence: 0n, seal: createHmac("sha256", key).update(`weft audit record ${recordId}`).digest() };
}

/** Seals an entry together with all that came before it. */
export function sealOf(key: Uint8Array, before: Uint8Array, entry: PlacedEntry): Uint8Array {
  return createHmac("sha256", key).update(before).update(canonical(entry)).digest();
}

/**
 * One and only one sequence of bytes for each entry: every part carries its
 * length, so nothing can be moved from one part to the next.
 */
export function canonical(entry: PlacedEntry): Uint8Array {
  const details = Object.entries(entry.details).sort(([a], [b]) => (a < b ? -1 : 1));
  const parts = [
    entry.sequence.toString(),
    entry.time.getTime().toString(),
    entry.service,
    entry.actor,
    entry.action,
    entry.resource,
    entry.outcome.toString(),
    entry.requestId,
    ...details.flat(),
  ];
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

export interface Broken {
  readonly at: bigint;
  readonly reason: string;
}

/** Follows the chain entry by entry; says what is wrong with the first that does not hold. */
export function followChain(key: Uint8Array, start: Head) {
  let { sequence, seal } = start;
  return {
    get head(): Head {
      return { sequence, seal };
    },
    step(entry: SealedEntry): Broken | undefined {
      const expected = sequence + 1n;
      if (entry.sequence !== expected) return { at: expected, reason: `entry ${expected} is missing` };
      if (!sameSeal(sealOf(key, seal, entry), entry.seal)) {
        return { at: expected, reason: `entry ${expected} was changed` };
      }
      ({ sequence, seal } = entry);
      return undefined;
    },
  };
}

/** What a head that was noted elsewhere tells about a record that holds in itself. */
export function compareHeads(
  last: Head,
  anchored: Head,
  sealAtAnchor: Uint8Array | undefined,
): Broken | undefined {
  if (last.sequence < anchored.sequence) {
    const at = last.sequence + 1n;
    return {
      at,
      reason: `the record is cut off before entry ${at}: it went on to ${anchored.sequence} at least`,
    };
  }
  if (!sealAtAnchor || !sameSeal(sealAtAnchor, anchored.seal)) {
    return {
      at: anchored.sequence,
      reason: `entry ${anchored.sequence} is not the one that was written: the record was cut off before it and has grown since`,
    };
  }
  return undefined;
}

export const sameSeal = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && timingSafeEqual(a, b);
