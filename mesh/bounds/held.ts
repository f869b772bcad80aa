/** Counts the bytes that calls hold, and ends the greediest call when all together hold too many. */
export interface Held {
  open(abort: () => void): Hold;
}

/** What one call holds. */
export interface Hold {
  take(bytes: number): void;
  give(bytes: number): void;
  /** Gives back all of it, for good. */
  close(): void;
}

interface Holder {
  bytes: number;
  readonly abort: () => void;
}

/**
 * Streams and messages are bounded, but their product is not: 128 bodies of
 * 4 MB on each of a few connections would be more than a process has.
 */
export function createHeld(limitBytes: number): Held {
  const holders = new Set<Holder>();
  let total = 0;
  const change = (holder: Holder, by: number) => {
    if (!holders.has(holder)) return;
    holder.bytes += by;
    total += by;
  };
  const close = (holder: Holder) => {
    change(holder, -holder.bytes);
    holders.delete(holder);
  };
  return {
    open: (abort) => {
      const holder: Holder = { bytes: 0, abort };
      holders.add(holder);
      return {
        take: (bytes) => {
          change(holder, bytes);
          while (total > limitBytes) {
            const greediest = greediestOf(holders);
            if (!greediest) return;
            close(greediest);
            greediest.abort();
          }
        },
        give: (bytes) => change(holder, -bytes),
        close: () => close(holder),
      };
    },
  };
}

function greediestOf(holders: Iterable<Holder>): Holder | undefined {
  let greediest: Holder | undefined;
  for (const holder of holders) {
    if (!greediest || holder.bytes > greediest.bytes) greediest = holder;
  }
  return greediest;
}
