/** How often something happened within the last while. */
export interface SlidingCount {
  add(nowMs: number): void;
  total(nowMs: number): number;
  clear(): void;
}

/** Parts of a window: what is old leaves it in steps of a tenth. */
const windowParts = 10;

/**
 * A ring of ten counters, each for a tenth of the window; nothing is allocated
 * after creation. A clock that goes back a little counts into the newest part;
 * one that goes back by a window or more starts over, so that no jump can keep
 * old counts for longer than two windows.
 */
export function createSlidingCount(windowMs: number): SlidingCount {
  const partMs = windowMs / windowParts;
  // Not a typed array: those take four times the memory at this size, and there are thousands of rings.
  const parts = new Array<number>(windowParts).fill(0);
  let head = Number.NEGATIVE_INFINITY;
  let sum = 0;

  const clear = () => {
    parts.fill(0);
    sum = 0;
  };

  const advance = (nowMs: number) => {
    const part = Math.floor(nowMs / partMs);
    if (part === head) return;
    if (part >= head + windowParts || part <= head - windowParts) {
      clear();
      head = part;
      return;
    }
    while (head < part) {
      head++;
      const slot = slotOf(head);
      sum -= parts[slot] ?? 0;
      parts[slot] = 0;
    }
  };

  return {
    add(nowMs) {
      advance(nowMs);
      const slot = slotOf(head);
      parts[slot] = (parts[slot] ?? 0) + 1;
      sum++;
    },
    total(nowMs) {
      advance(nowMs);
      return sum;
    },
    clear,
  };
}

/** Also for a clock that begins below zero. */
const slotOf = (part: number) => ((part % windowParts) + windowParts) % windowParts;
