import type { Query } from "#mesh";

/** Any numbers that nobody else uses in this database. */
const figures = 0x616e61;
const senders = 0x74726b;

/**
 * Whoever adds to figures holds this until the end of the transaction. Events
 * that share one touch sums in the order in which they came; two such
 * transactions at once would wait for each other crosswise.
 */
export const lockFigures = (tx: Query): Promise<unknown> => tx`select pg_advisory_xact_lock(${figures}, 0)`;

/** Who is looked at alone: so much of a user's is counted, and then added to. */
export const lockSender = (tx: Query, sender: string): Promise<unknown> =>
  tx`select pg_advisory_xact_lock(${senders}, hashtext(${sender}))`;
