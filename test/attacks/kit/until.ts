import { setTimeout as sleep } from "node:timers/promises";

/** Waits until something holds; an error when it does not within the time. */
export async function until(holds: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`did not come to pass within ${withinMs} ms: ${holds}`);
    await sleep(20);
  }
}

/** The same for a promise. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  const timer = new AbortController();
  try {
    return await Promise.race([
      promise,
      sleep(ms, undefined, { signal: timer.signal }).then(() => {
        throw new Error(`${what}: not within ${ms} ms`);
      }),
    ]);
  } finally {
    timer.abort();
  }
}

/** Tells that an answer lets the asker look inside: the lines of a stack, or where our sources are. */
export const insides = /\n\s+at |node_modules|\.ts:\d/;
