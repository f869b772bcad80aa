import type { Database } from "#mesh";

/** Leases are given by one replica and ended by another, so all must read one clock: the database's. */
export interface Clock {
  readonly now: () => number;
  /** Compares with the database again. */
  adjust(): Promise<void>;
}

export function createClock(db: Database, own: () => number = Date.now): Clock {
  let offsetMs = 0;
  return {
    now: () => own() + offsetMs,
    async adjust() {
      const askedMs = own();
      const [row] = await db.sql<{ ms: number }[]>`
        select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms`;
      // It was read about halfway between question and answer.
      if (row) offsetMs = Math.round(row.ms - (askedMs + own()) / 2);
    },
  };
}
