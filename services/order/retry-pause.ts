import type { BackoffPolicy } from "#mesh";

/** After a failure: the other service is away for a moment, or for longer. */
export const afterFailure: BackoffPolicy = { baseMs: 1000, maxMs: 60_000 };

/** While a refund is under way, which the payment service tells of anyway: asking is for what got lost. */
export const whileUnderWay: BackoffPolicy = { baseMs: 5000, maxMs: 5 * 60_000 };
