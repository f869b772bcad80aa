import type { BackoffPolicy } from "#mesh";

/** How long a broadcast waits before what failed is tried again. */
export const afterFailure: BackoffPolicy = { baseMs: 1000, maxMs: 60_000 };
