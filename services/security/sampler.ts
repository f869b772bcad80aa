import { makeRoom } from "#mesh/bounds/make-room.ts";

/** Lets one through at a time and counts those it holds back. */
export interface Sampler {
  /** How many were held back since the last one, or nothing when this one is held back too. */
  admit(name: string): number | undefined;
}

/** Bounds memory: of more names than this, the one let through longest ago is forgotten. */
const mostNames = 10_000;

export function createSampler({ everyMs, now }: { everyMs: number; now: () => number }): Sampler {
  const last = new Map<string, { atMs: number; held: number }>();
  return {
    admit(name) {
      const entry = last.get(name);
      if (entry && Math.abs(now() - entry.atMs) < everyMs) {
        entry.held++;
        return undefined;
      }
      // Set anew, so that the map's order is that of the last admissions.
      last.delete(name);
      makeRoom(last, mostNames);
      last.set(name, { atMs: now(), held: 0 });
      return entry?.held ?? 0;
    },
  };
}
