import type { Query } from "#mesh";

/** Whoever does what is called so holds this until the end of the transaction; others wait. */
export const lockNamed = (tx: Query, name: string): Promise<unknown> =>
  tx`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`;
