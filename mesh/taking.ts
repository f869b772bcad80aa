import type { Loop, LoopOptions } from "./loop.ts";
import { startLoop } from "./loop.ts";
import { createPlaces } from "./places.ts";

export interface TakingOptions<T> extends Omit<LoopOptions, "work"> {
  /** How many are at work at the same time. */
  readonly atOnce: number;
  /** Takes what is due, no more than this. */
  readonly claim: (limit: number) => Promise<readonly T[]>;
  readonly run: (one: T) => Promise<unknown>;
}

/** Does what is due, so many at once, until nothing is; ends when what it has begun has ended. */
export function startTaking<T>({ atOnce, claim, run, ...options }: TakingOptions<T>): Loop {
  const places = createPlaces(atOnce, options.failed);
  const work = async () => {
    while (!options.stopping.aborted) {
      const free = places.free();
      if (free === 0) {
        await places.freed();
        continue;
      }
      const claimed = await claim(free);
      for (const one of claimed) places.take(() => run(one));
      if (claimed.length < free) return;
    }
  };
  const { wake, ended } = startLoop({ ...options, work });
  return { wake, ended: ended.then(places.empty) };
}
