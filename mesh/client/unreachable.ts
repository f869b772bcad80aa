import { setTimeout as sleep } from "node:timers/promises";

export interface Patience {
  readonly budgetMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Services start in any order; this is how long a call waits for a callee that is not there yet. */
const longestWaitMs = 5000;

/**
 * Tries again while the callee refuses connections. A refused connection
 * carried nothing, so this is safe for every method.
 */
export async function whileUnreachable<T>(
  { budgetMs, signal }: Patience,
  attempt: (leftMs: number) => Promise<T>,
): Promise<T> {
  const started = performance.now();
  const end = started + Math.min(budgetMs, longestWaitMs);
  for (let waitMs = 25; ; waitMs = Math.min(waitMs * 2, 500)) {
    try {
      return await attempt(Math.max(1, Math.ceil(budgetMs - (performance.now() - started))));
    } catch (error) {
      if (!isRefused(error) || performance.now() + waitMs >= end || signal?.aborted) throw error;
      // Full jitter keeps many waiting callers from coming back at once.
      await sleep(Math.random() * waitMs, undefined, { signal }).catch(() => {});
    }
  }
}

function isRefused(error: unknown): boolean {
  for (let it: unknown = error; it instanceof Error; it = it.cause) {
    if ("code" in it && it.code === "ECONNREFUSED") return true;
  }
  return false;
}
