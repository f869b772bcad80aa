import { setTimeout as sleep } from "node:timers/promises";

/** Waits until something holds; gives how long that took. An error when it does not within the time. */
export async function until(holds: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<number> {
  const from = performance.now();
  while (!(await holds())) {
    if (performance.now() - from > withinMs) throw new Error(`not within ${withinMs} ms: ${holds}`);
    await sleep(20);
  }
  return performance.now() - from;
}
