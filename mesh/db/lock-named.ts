import type { Query } from "./database.ts";

/** Whoever does what is called so holds this until the end of the transaction; others wait. */
export async function lockNamed(tx: Query, name: string): Promise<void> {
  await tx`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`;
}
