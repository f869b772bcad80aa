/** Counts what each of many holds of one thing, and gives to nobody more than a share of it. */
export interface Share {
  /** Takes one for this holder; answers how to give it back, or nothing when there is none left for it. */
  take(holder: string): (() => void) | undefined;
}

export interface ShareOptions {
  /** Of all holders together. */
  total: number;
  /** Of one holder, so that it takes two to use up everything. */
  each: number;
}

const smallBook = 256;

export function createShare({ total, each }: ShareOptions): Share {
  const held = new Map<string, number>();
  let all = 0;
  return {
    take(holder) {
      const own = held.get(holder) ?? 0;
      if (all >= total || own >= each) return undefined;
      all++;
      held.set(holder, own + 1);
      let returned = false;
      return () => {
        if (returned) return;
        returned = true;
        all--;
        const left = (held.get(holder) ?? 1) - 1;
        // Whoever comes and goes keeps a place in the book, as long as it is small.
        if (left > 0 || held.size <= smallBook) held.set(holder, left);
        else held.delete(holder);
      };
    },
  };
}
