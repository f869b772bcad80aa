/** Lets one through at a time and counts those it holds back. */
export interface Sampler {
  /** How many were held back since the last one, or nothing when this one is held back too. */
  admit(name: string): number | undefined;
}

/** Names must be few: each is remembered. */
export function createSampler({ everyMs, now }: { everyMs: number; now: () => number }): Sampler {
  const last = new Map<string, { atMs: number; held: number }>();
  return {
    admit(name) {
      const entry = last.get(name);
      if (entry && Math.abs(now() - entry.atMs) < everyMs) {
        entry.held++;
        return undefined;
      }
      last.set(name, { atMs: now(), held: 0 });
      return entry?.held ?? 0;
    },
  };
}
