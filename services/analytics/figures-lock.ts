import type { Query } from "#mesh";

/** Any number that nobody else uses in this database. */
const figures = 0x616e61;

/**
 * Whoever adds to figures holds this until the end of the transaction. Events
 * that share one touch sums in the order in which they came; two such
 * transactions at once would wait for each other crosswise.
 */
export const lockFigures = (tx: Query): Promise<unknown> => tx`select pg_advisory_xact_lock(${figures}, 0)`;
