/** Chance that can be had again. */
export interface Random {
  /** A whole number from 0 to below. */
  below(limit: number): number;
  /** True once in so many times. */
  oneIn(times: number): boolean;
  of<T>(choices: readonly T[]): T;
  bytes(length: number): Buffer;
}

/** Mulberry32: small, quick, and good enough to find mistakes by. */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit: number) => next() % limit;
  return {
    below,
    oneIn: (times) => below(times) === 0,
    of: (choices) => choices[below(choices.length)] as never,
    bytes: (length) => {
      const bytes = Buffer.allocUnsafe(length);
      for (let at = 0; at < length; at++) bytes[at] = next();
      return bytes;
    },
  };
}

/** The chance of one input, whatever came before it: so it can be made again alone. */
export function randomFor(seed: number, kind: string, index: number): Random {
  let mixed = Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b);
  for (let at = 0; at < kind.length; at++) mixed = Math.imul(mixed ^ kind.charCodeAt(at), 0x01000193);
  return createRandom(mixed ^ (mixed >>> 15));
}

/** Something wrong with it: bytes changed, lost, doubled, put elsewhere, or the end missing. */
export function mutated(bytes: Buffer, random: Random, pieces: readonly Buffer[] = []): Buffer {
  let result = bytes;
  for (let changes = random.below(4); changes >= 0 && result.length > 1; changes--) {
    const at = random.below(result.length);
    const length = 1 + random.below(Math.min(16, result.length));
    const before = result.subarray(0, at);
    const piece = result.subarray(at, at + length);
    const after = result.subarray(at + length);
    result = Buffer.concat(changed(random, before, piece, after, pieces));
  }
  return result;
}

function changed(
  random: Random,
  before: Buffer,
  piece: Buffer,
  after: Buffer,
  pieces: readonly Buffer[],
): Buffer[] {
  switch (random.below(8)) {
    case 0:
      return [before, random.bytes(piece.length), after];
    case 1:
      return [before, after];
    case 2:
      return [before, piece, piece, after];
    case 3:
      return [before, random.bytes(piece.length), piece, after];
    case 4:
      return [before];
    case 5:
      return [before, Buffer.from([(piece[0] ?? 0) ^ (1 << random.below(8))]), piece.subarray(1), after];
    case 6:
      return [after, piece, before];
    default:
      return [before, pieces.length > 0 ? random.of(pieces) : piece, piece, after];
  }
}
