/** Lets a task wait for its turn. */
export type Turn = <T>(task: () => Promise<T>) => Promise<T>;

/** Turns for so many tasks at the same time; the others wait, in the order in which they came. */
export function atMost(count: number): Turn {
  let free = count;
  const queue: (() => void)[] = [];
  return async (task) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => queue.push(resolve));
    try {
      return await task();
    } finally {
      const next = queue.shift();
      if (next) next();
      else free++;
    }
  };
}
