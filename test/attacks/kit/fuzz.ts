/** Random numbers below what is asked for. */
export type Random = (below: number) => number;

/** Random numbers that can be had again (mulberry32). */
function createRandom(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export const noise = (random: Random, length: number) =>
  Buffer.from(Array.from({ length }, () => random(256)));

/** The seed of the first attempt; each further one has the next. */
export const firstSeed = Number(process.env.WEFT_FUZZ_SEED ?? Math.floor(Math.random() * 1e9));

export interface FuzzOptions {
  /** How many are made, unless `WEFT_FUZZ_ATTEMPTS` says otherwise. */
  attempts: number;
  /** How many are made at once. */
  together: number;
  /** Says what went wrong, if anything did. */
  attempt: (random: Random) => Promise<string | undefined>;
}

/** Makes all attempts; gives back what went wrong, each with the seed that brings it about again. */
export async function fuzz({ attempts: usual, together, attempt }: FuzzOptions): Promise<string[]> {
  const attempts = Number(process.env.WEFT_FUZZ_ATTEMPTS ?? usual);
  const wrong: string[] = [];
  let begun = 0;
  // Each place is taken again at once: those that are left to their time limit hold up nobody else.
  const inTurn = async () => {
    while (begun < attempts) {
      const seed = firstSeed + begun++;
      const end = await attempt(createRandom(seed));
      if (end !== undefined) wrong.push(`WEFT_FUZZ_SEED=${seed}: ${end}`);
    }
  };
  await Promise.all(Array.from({ length: together }, inTurn));
  return wrong;
}
