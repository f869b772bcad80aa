export interface SharesOptions {
  /** Most that one may hold. */
  readonly mostBytes: number;
  /** How long what is stored stays. */
  readonly ttlMs: number;
  readonly now: () => number;
}

/**
 * What each caller has in the store, as far as this gateway has put it there:
 * the store is everybody's, and full it would refuse everybody.
 */
export interface Shares {
  isUsedUp(holder: string): boolean;
  add(holder: string, bytes: number): void;
}

/** Parts of a lifetime in which it is counted. */
const parts = 8;
/** Of one part. More are not told apart: it takes an account for each of them. */
const mostHolders = 100_000;

export function createShares({ mostBytes, ttlMs, now }: SharesOptions): Shares {
  const partMs = ttlMs / parts;
  /** Newest last. */
  const counted: { part: number; bytes: Map<string, number> }[] = [];

  const forget = (part: number) => {
    while (counted[0] && counted[0].part < part - parts) counted.shift();
  };
  return {
    isUsedUp(holder) {
      forget(Math.floor(now() / partMs));
      return counted.reduce((sum, { bytes }) => sum + (bytes.get(holder) ?? 0), 0) >= mostBytes;
    },
    add(holder, added) {
      const part = Math.floor(now() / partMs);
      forget(part);
      if (counted.at(-1)?.part !== part) counted.push({ part, bytes: new Map() });
      const bytes = counted.at(-1)?.bytes ?? new Map<string, number>();
      const before = bytes.get(holder);
      if (before === undefined && bytes.size >= mostHolders) return;
      bytes.set(holder, (before ?? 0) + added);
    },
  };
}
